// Who the customer is: the name that the business gave, and what Ada calls them where that is something else.

import { h } from "./dom.js";
import { texts } from "./language.js";
import { customer } from "./words.js";

/** What Ada calls the customer, unless it is the name that is shown already. */
export function alias({ end_user: user }) {
  return user?.display_name && user.display_name !== user.name ? user.display_name : null;
}

/** The customer's name, with what Ada calls them beside it. */
export function called(handoff) {
  const other = alias(handoff);
  const beside = other && h("span", { class: "alias", dir: "auto", title: texts.people.name_in_ada }, other);
  return [h("bdi", {}, customer(handoff)), ...(beside ? [" ", beside] : [])];
}
