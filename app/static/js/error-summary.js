// Focuses the summary of a form's errors, so that screen readers read it first.
import { forEach } from "./delegation.js";

forEach("[data-error-summary]", (summary) => summary.focus());
