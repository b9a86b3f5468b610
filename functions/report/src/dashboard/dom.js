// Elements, and how fresh ones take the place of old ones without anybody losing their place on the page.
//
// Texts from the server are set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

/** An element of HTML. Attributes that are nothing or false are left out, and so are such children. */
export function html(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/**
 * Makes what stands in `old` the same as what stands in `fresh`, and touches only what differs: focus, selection, the place
 * that was scrolled to and what was unfolded stay as they are.
 */
export function become(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((next, place) => {
    const now = old.childNodes[place];
    if (!now) old.append(next);
    else if (!isSameKind(now, next)) now.replaceWith(next);
    else if (now.nodeType === Node.TEXT_NODE) {
      if (now.data !== next.data) now.data = next.data;
    } else {
      takeAttributes(now, next);
      become(now, next);
    }
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

function isSameKind(one, other) {
  return one.nodeName === other.nodeName && one.id === other.id && one.className?.baseVal === other.className?.baseVal;
}

function takeAttributes(now, next) {
  for (const { name, value } of [...next.attributes]) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  for (const { name } of [...now.attributes]) {
    // Whether it is unfolded is the reader's business.
    if (!next.hasAttribute(name) && !(now.nodeName === "DETAILS" && name === "open")) now.removeAttribute(name);
  }
}

/** A card with a heading: a landmark that is named by it. */
export function card(id, title, note, ...children) {
  const heading = html("h2", { id: `${id}-title` }, title, note && html("span", { class: "note" }, ` ${note}`));
  return html("section", { id, class: "card", "aria-labelledby": `${id}-title` }, heading, ...children);
}

/** A sentence in place of what is not there. */
export function empty(text) {
  return html("p", { class: "empty" }, text);
}

/**
 * A table that scrolls by itself where it is too wide, by keyboard too. A column is `[heading, class]`; of a row each cell is
 * a text, a node or a list of them, and the first is the row's name.
 */
export function table(caption, columns, rows) {
  const head = columns.map(([heading, kind]) => html("th", { scope: "col", class: kind }, heading));
  const cell = (content, place) =>
    place === 0
      ? html("th", { scope: "row", class: columns[place][1] }, content)
      : html("td", { class: columns[place][1], "data-of": columns[place][0] }, content);
  return html(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    html(
      "table",
      {},
      html("caption", { class: "unseen" }, caption),
      html("thead", {}, html("tr", {}, head)),
      html(
        "tbody",
        {},
        rows.map((row) => html("tr", {}, row.map(cell))),
      ),
    ),
  );
}

/** The same numbers as a chart's, for whoever does not see it or wants them exact. */
export function asTable(caption, columns, rows) {
  return html(
    "details",
    { class: "numbers" },
    html("summary", {}, `${caption}, as a table`),
    table(caption, columns, rows),
  );
}

/** The way to an account's page. */
export function link(account, name) {
  return html("a", { href: `#/accounts/${encodeURIComponent(account)}` }, name ?? account);
}
