// Views are functions that build elements; `morph` brings what is on the page to what a view has built, so that focus,
// scrolling and what is being typed stay. Nothing is ever set as HTML.

/** An element: h("button.primary", { disabled: true }, "Restore"). Attributes that are null or false are left out;
 * `value` and `checked` are properties; `data` holds data attributes. */
export function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) set(element, key, value);
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  if (attributes && "value" in attributes) element.value = attributes.value ?? "";
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key === "data") for (const [name, text] of Object.entries(value)) element.dataset[name] = String(text);
  else if (key === "class") element.classList.add(...value.split(" "));
  else if (key === "checked") element.checked = value;
  else if (key === "style") for (const [name, text] of Object.entries(value)) element.style.setProperty(name, text);
  else if (key !== "value" || element.tagName === "OPTION") element.setAttribute(key, value === true ? "" : value);
}

/** Make `old` what `fresh` is. Elements of one parent are told apart by data-key. */
export function morph(old, fresh) {
  if (old.nodeName !== fresh.nodeName || keyOf(old) !== keyOf(fresh)) return old.replaceWith(fresh);
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  attributes(old, fresh);
  if (old.dataset.own === undefined) morphChildren(old, [...fresh.childNodes]);
  fields(old, fresh);
}

/** Make the children of `parent` what `fresh` are. */
export function morphChildren(parent, fresh) {
  const keyed = new Map([...parent.children].filter(keyOf).map((child) => [keyOf(child), child]));
  let at = parent.firstChild;
  for (const wanted of fresh) {
    const known = keyOf(wanted) ? keyed.get(keyOf(wanted)) : null;
    if (known) {
      if (known === at) at = at.nextSibling;
      else parent.insertBefore(known, at);
      morph(known, wanted);
    } else if (at && !keyOf(at) && !keyOf(wanted) && at.nodeName === wanted.nodeName) {
      const next = at.nextSibling;
      morph(at, wanted);
      at = next;
    } else {
      parent.insertBefore(wanted, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const keyOf = (node) => node.dataset?.key;

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) === value) continue;
    if (name === "style")
      old.style.cssText = fresh.style.cssText; // as an attribute the policy forbids it
    else old.setAttribute(name, value);
  }
}

/** How many answers to what the user has done are awaited: until they are there, fields stay as the user left them. */
export const awaited = { answers: 0 };

/** What is being typed is left alone. */
function fields(old, fresh) {
  if (awaited.answers) return;
  if (old.tagName === "INPUT" && ["checkbox", "radio"].includes(old.type)) old.checked = fresh.checked;
  else if (old.tagName === "SELECT" && old.value !== fresh.value) old.value = fresh.value;
  else if (old.tagName === "INPUT" && old !== document.activeElement && old.value !== fresh.value)
    old.value = fresh.value;
}
