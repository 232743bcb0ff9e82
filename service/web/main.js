/** The page: everything is connected here, once. */
import { byId } from "./dom.js";
import { FilePanel } from "./file.js";
import { JobsPanel } from "./jobs.js";
import { askForKey, keyIsMissing, onKey, setUpKey } from "./key.js";
import { KNOWN } from "./known.js";
import { setUpCard } from "./card.js";
import { setUpLead } from "./lead.js";
import { Live } from "./live.js";
import { loadModels, setUpPicker } from "./models.js";
import { setUpPreferences } from "./preferences.js";
import { showProblem } from "./problems.js";
import { setUpTabs } from "./tabs.js";
import { hush, say, writeAll } from "./words.js";

writeAll();
setUpPreferences();
setUpLead();
setUpPicker();
setUpCard();
setUpKey();
new Live();
const files = new FilePanel();
const jobs = new JobsPanel(files);
setUpTabs();
say(byId("version"), "page.version", { version: KNOWN.version });

async function begin() {
  byId("model-problem").replaceChildren();
  if (keyIsMissing()) {
    askForKey();
    return;
  }
  try {
    await loadModels();
    await jobs.look();
  } catch (error) {
    hush(byId("model-state"));
    showProblem(byId("model-problem"), error, { retry: begin });
  }
}

onKey(begin);
begin();
