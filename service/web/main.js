/** The page: everything is connected here, once. */
import { ask, Problem } from "./api.js";
import { byId } from "./dom.js";
import { onDrop } from "./drops.js";
import { FilePanel } from "./file.js";
import { JobsPanel } from "./jobs.js";
import { askForKey, keyIsMissing, onKey, setUpKey } from "./key.js";
import { KNOWN } from "./known.js";
import { setUpCard } from "./card.js";
import { setUpInstructions } from "./instructions.js";
import { setUpLead } from "./lead.js";
import { Live } from "./live.js";
import { onFound, setUpLost } from "./lost.js";
import { loadModels, setUpPicker } from "./models.js";
import { setUpPreferences } from "./preferences.js";
import { sentenceOf, showProblem } from "./problems.js";
import { setUpSamples } from "./samples.js";
import { setUpTabs } from "./tabs.js";
import { TeachPanel } from "./teach.js";
import { hush, say, writeAll } from "./words.js";

writeAll();
setUpPreferences();
setUpLead();
setUpPicker();
setUpCard();
setUpKey(checkKey);
setUpLost();
setUpInstructions();
new Live();
const files = new FilePanel();
setUpSamples((file) => files.chooseAndAsk(file));
onDrop((dropped) => files.takeDropped(dropped));
new TeachPanel();
const jobs = new JobsPanel(files);
setUpTabs();
say(byId("version"), "page.version", { version: KNOWN.version });

/** What is wrong with the key that is kept: the service is asked by the least of what needs one. */
async function checkKey() {
  try {
    await ask("models");
    return "";
  } catch (error) {
    return sentenceOf(error instanceof Problem ? error : new Problem("answer"));
  }
}

async function begin() {
  byId("model-problem").replaceChildren();
  if (keyIsMissing()) {
    say(byId("model-state"), "model.needsKey");
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
onFound(begin);
begin();
