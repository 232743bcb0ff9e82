/** Colors and language as the reader wants them, kept in this browser. */
import { byId } from "./dom.js";
import { keep, readKept } from "./kept.js";
import { language, onLanguage, say, setLanguage } from "./words.js";

const KEPT = "sign.theme";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** Connect the two buttons; colors follow the system until they are chosen. */
export function setUpPreferences() {
  showTheme();
  showLanguage();
  systemIsDark.addEventListener("change", showTheme);
  byId("theme").addEventListener("click", () => {
    const chosen = isDark() ? "light" : "dark";
    keep("localStorage", KEPT, (chosen === "dark") === systemIsDark.matches ? null : chosen);
    showTheme();
  });
  byId("language").addEventListener("click", () => setLanguage(language() === "en" ? "ko" : "en"));
  onLanguage(showLanguage);
}

function isDark() {
  const kept = readKept("localStorage", KEPT);
  return kept ? kept === "dark" : systemIsDark.matches;
}

function showTheme() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  say(byId("theme-text"), isDark() ? "theme.toLight" : "theme.toDark");
}

/** The button names the other language in that language. */
function showLanguage() {
  const button = byId("language");
  button.lang = language() === "en" ? "ko" : "en";
  button.textContent = language() === "en" ? "한국어" : "English";
}
