// Progressive enhancement: every page also works without JavaScript.
//
// Listeners of the same event run in the order of these imports: question.js must see a form that is being submitted
// before sending.js does.
import "./question.js";
import "./passkeys.js";
import "./dialogs.js";
import "./fetched-dialogs.js";
import "./menus.js";
import "./sending.js";
import "./session-end.js";
import "./unsaved.js";
import "./repeated-field.js";
import "./rows.js";
import "./chosen-row.js";
import "./dependent-fields.js";
import "./updated-parts.js";
import "./refreshing.js";
import "./period.js";
import "./choices.js";
import "./placeholders.js";
import "./search-forms.js";
import "./search-box.js";
import "./page-buttons.js";
import "./error-summary.js";
import "./charts.js";
