// The summary of a form's errors gets the focus, so that it is read out first.
import { forEach } from "./delegation.js";

forEach("[data-error-summary]", (summary) => summary.focus());
