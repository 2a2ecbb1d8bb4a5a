// The page's language: the one that was chosen before, or else the browser's. Each request of the page carries it.
"use strict";

const playLanguage = (() => {
  const STORE = "macvlab language";
  const ENGLISH = "en";
  const choice = () => document.getElementById("language");
  let tag = ENGLISH;

  // A browser that denies the store has none.
  function kept() {
    try {
      return localStorage.getItem(STORE);
    } catch {
      return null;
    }
  }

  function keep() {
    try {
      localStorage.setItem(STORE, tag);
    } catch {
      // The choice lasts as long as the page.
    }
  }

  function first() {
    const tags = [...choice().options].map((option) => option.value);
    const own = navigator.language.split("-")[0];
    return tags.find((one) => one === kept()) ?? tags.find((one) => one.split("-")[0] === own) ?? ENGLISH;
  }

  // Puts what is there into another language; what comes from the engine is to be asked for again.
  async function use(wanted) {
    const before = tag;
    tag = wanted;
    try {
      macvlab.catalogue = tag === ENGLISH ? {} : await playTransport.request("words");
    } catch (error) {
      tag = before;
      throw error;
    }
    document.documentElement.lang = tag;
    macvlab.translate(document.body);
  }

  // `change` is called with the language that the user chooses.
  async function mount(change) {
    choice().addEventListener("change", async () => {
      await change(choice().value);
      choice().value = tag;
      keep();
    });
    await use(first()).finally(() => (choice().value = tag));
  }

  return { mount, use, tag: () => tag };
})();
