/** Tabs as the ARIA practices describe them; the address's fragment says which one is open. */

/** @typedef {{tab: HTMLElement, panel: HTMLElement, name: string}} Tab */
/** @type {Tab[]} */
let tabs = [];
/** @type {Array<(name: string) => void>} */
const listeners = [];

/** Called with the tab's name when it is opened. */
export function onTab(/** @type {(name: string) => void} */ listener) {
  listeners.push(listener);
}

/** Open a tab by its name; the browser's Back leads to the one before. */
export function openTab(/** @type {string} */ name) {
  show(name);
  if (location.hash !== `#${name}`) history.pushState(null, "", `#${name}`);
}

function show(/** @type {string} */ name) {
  for (const { tab, panel, name: own } of tabs) {
    tab.setAttribute("aria-selected", String(own === name));
    tab.tabIndex = own === name ? 0 : -1;
    panel.hidden = own !== name;
  }
  for (const listener of listeners) listener(name);
}

/** Connect the tabs of the page and open the one that the address names, else the first. */
export function setUpTabs() {
  tabs = [...document.querySelectorAll('[role="tab"]')].map((found) => {
    const tab = /** @type {HTMLElement} */ (found);
    const name = tab.dataset.tab ?? "";
    return { tab, name, panel: /** @type {HTMLElement} */ (document.getElementById(`panel-${name}`)) };
  });
  tabs.forEach(({ tab, name }, index) => {
    tab.addEventListener("click", () => openTab(name));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key];
      const next = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
      if (!next) return;
      event.preventDefault();
      openTab(next.name);
      next.tab.focus();
    });
  });
  const named = () => tabs.find(({ name }) => `#${name}` === location.hash)?.name;
  addEventListener("hashchange", () => show(named() ?? tabs[0].name));
  show(named() ?? tabs[0].name);
}
