// The dashboard begins here: which page is asked for, what it needs, and what to show while that is not there.
//
// The address behind `#` is the page: `#/` the portfolio, `#/accounts/{id}` one account. The one-machine host hands the token
// over there too (`#token=…`); it is taken out of the address at once.

import * as account from "./account.js";
import { become, card, empty, html } from "./dom.js";
import { feed, token } from "./feed.js";
import { urgency } from "./moments.js";
import * as portfolio from "./portfolio.js";
import { clock, left, when } from "./words.js";

const byId = (id) => document.getElementById(id);
let shown = { stop: () => {}, clock: Date.now };

function takeToken() {
  const handed = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!handed) return;
  token.set(handed);
  history.replaceState(null, "", location.pathname);
}

/** The account that the address names, if it names one. */
function accountAsked() {
  const [, id] = location.hash.match(/^#\/accounts\/([^/]+)$/) ?? [];
  try {
    return id && decodeURIComponent(id);
  } catch {
    // What is no name of anything is shown as it was typed.
    return id;
  }
}

/** The page that the address asks for. */
function asked() {
  const name = accountAsked();
  if (!name) return { ...portfolio, sources: portfolio.sources(), first: "live", heading: () => "Portfolio" };
  return {
    sources: account.sources(name),
    first: "timeline",
    page: (part, entries) => account.page(part, name, entries),
    title: (entries) => account.title(entries, name),
    heading: (entries) => account.nameOf(entries, name),
    missing: `There is no account \`${name}\`, or nothing is known of it yet.`,
  };
}

/** Shows another page. The reader is brought to its beginning, but not when the first one comes. */
function open({ first = false } = {}) {
  shown.stop();
  const signedIn = Boolean(token.get());
  byId("sign-in").hidden = signedIn;
  byId("view").hidden = !signedIn;
  if (!signedIn) {
    say("Sign in to see the portfolio.", "waiting");
    return;
  }
  const page = asked();
  const following = feed(page.sources, () => show(page, following.entries));
  shown = { stop: following.stop, clock: () => serverNow(following.entries[page.first]) };
  say("Loading …", "waiting");
  byId("view").replaceChildren();
  show(page, following.entries);
  if (!first) {
    scrollTo(0, 0);
    byId("main").focus();
  }
}

/** Brings the page up to what is known now. */
function show(page, entries) {
  const all = Object.values(entries);
  if (all.some(({ refusal }) => refusal?.kind === "signed_out")) {
    token.forget();
    open();
    byId("sign-in-why").textContent = "The token is not valid any more. Sign in again.";
    return;
  }
  const main = entries[page.first];
  const now = serverNow(main);
  const fresh = html("div", {});
  if (page.missing && main.refusal?.kind === "absent")
    fresh.append(
      card(
        "missing",
        "Not found",
        undefined,
        empty(page.missing),
        html("p", {}, html("a", { href: "#/" }, "Back to the portfolio")),
      ),
    );
  else
    fresh.append(
      ...[page.page((name, draw, id, title) => part(entries[name], draw, id, title, entries, now), entries)]
        .flat()
        .filter(Boolean),
    );
  become(byId("view"), fresh);
  byId("title").textContent = page.heading(entries);
  document.title = `${page.title(entries)} · cs-ops`;
  suggest(entries.live?.data);
  tell(all, main);
}

/** What stands in a section's place: what is known, or why nothing is. What is old stays, and the status says so. */
function part(entry, draw, id, title, entries, now) {
  if (entry.data) return draw(entry.data, entries, now);
  if (!id) return undefined;
  if (!entry.refusal) return card(id, title, undefined, html("p", { class: "loading" }, "Loading …"));
  const why = {
    absent: "Nothing is told of this here yet.",
    forbidden: `The token does not allow to see this. ${entry.refusal.message}`,
  }[entry.refusal.kind];
  return card(
    id,
    title,
    undefined,
    why ? empty(why) : html("p", { class: "failing" }, `${entry.refusal.message} It is asked again.`),
  );
}

/** The server's clock, which goes on between its answers. Everything that runs out is measured by it. */
function serverNow(entry) {
  if (!entry.data?.as_of) return Date.now();
  return Date.parse(entry.data.as_of) + performance.now() - entry.at;
}

/** How it is with the connection. Readers of the screen hear of it when it changes, not at every answer. */
function tell(all, main) {
  const failing = all.find(
    ({ refusal }) => refusal?.kind === "failing" || (refusal?.kind === "forbidden" && !main.data),
  );
  if (failing && main.data)
    say(`Not up to date: as of ${when(main.data.as_of)}. ${failing.refusal.message} Trying again.`, "failing");
  else if (failing) say(`${failing.refusal.message} Trying again.`, "failing");
  else if (main.data) say(`As of ${when(main.data.as_of)}`, "live");
}

let said = "";
function say(text, kind) {
  const status = byId("status");
  status.className = kind;
  if (byId("status-text").textContent !== text) byId("status-text").textContent = text;
  const spoken =
    kind === "live" ? (said === "failing" ? `Up to date again, ${clock(Date.now())}` : "Up to date") : text;
  if (kind !== said || kind === "failing") {
    if (byId("spoken").textContent !== spoken) byId("spoken").textContent = spoken;
  }
  said = kind;
}

/** Accounts that were heard of, as suggestions where one is asked for. */
function suggest(live) {
  if (!live) return;
  const names = new Map(
    [...live.falls, ...live.open_ctas, ...live.open_escalations].map(({ account: id, name }) => [id, name]),
  );
  const fresh = html(
    "datalist",
    {},
    [...names].sort().map(([id, name]) => html("option", { value: id }, name)),
  );
  become(byId("accounts"), fresh);
}

/** What runs out is counted down on the page, second by second. */
function tick() {
  const now = shown.clock();
  for (const element of document.querySelectorAll("[data-until]")) {
    const seconds = (Date.parse(element.dataset.until) - now) / 1000;
    element.textContent = left(seconds);
    element.className = urgency(seconds);
  }
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set(byId("token").value.trim());
  byId("token").value = "";
  open();
});

byId("go").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = byId("go-to").value.trim();
  if (id) location.hash = `#/accounts/${encodeURIComponent(id)}`;
  byId("go-to").value = "";
});

addEventListener("hashchange", () => {
  takeToken();
  open();
});

takeToken();
open({ first: true });
setInterval(tick, 1000);
