/** What a person is asked to show: it depends on whether the chosen model reads letters, words or faces. */
import { byId } from "./dom.js";
import { onModel, subjectOf } from "./models.js";
import { say } from "./words.js";

/** Where an instruction stands, and the key of its sentences, which go on with the subject's name. */
const PLACES = { "camera-hint": "camera.hint", "drop-title": "file.drop", "transcript-empty": "transcript.empty" };

/** Write the instructions now, and again when the model changes. */
export function setUpInstructions() {
  onModel(write);
  write();
}

function write() {
  for (const [id, key] of Object.entries(PLACES)) say(byId(id), `${key}.${subjectOf()}`);
}
