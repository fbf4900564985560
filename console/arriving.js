// Messages that the relay has, and that wait for their quiet period. They are shown among the rows of a thread. Each is
// shown once: until its row comes, or until it is withdrawn.

const idOf = (messageId) => `arriving:${messageId}`;

/** Shows a message, unless its row is there. Returns the ids of the rows that are new. */
export function show(thread, message, heard, live) {
  const id = idOf(message.message_id);
  if (thread.rows.has(id) || thread.rowOf(message.message_id)) return [];
  thread.rows.set(id, { ...message, id, arriving: true, heard, live });
  return [id];
}

/** A row takes the place of its message. Returns the id under which the message was shown, if it was. */
export function settle(thread, row) {
  const id = idOf(row.message_id);
  return row.message_id !== null && thread.rows.delete(id) ? id : undefined;
}

/** Takes a message out. An older answer must not bring it back. Returns whether it was shown. */
export function withdraw(thread, messageId, heard) {
  thread.withdrawn.set(messageId, heard);
  return thread.rows.delete(idOf(messageId));
}

/**
 * Shows what an answer to a request of the moment `asked` says of all that arrives. Its rows have been stored before.
 * Returns the ids of new rows, and the messages that are gone.
 */
export function update(thread, messages, asked) {
  const arriving = new Set(messages.map((message) => message.message_id));
  const gone = all(thread).filter((row) => row.heard <= asked && !arriving.has(row.message_id));
  for (const row of gone) thread.rows.delete(row.id);
  const known = messages.filter((message) => (thread.withdrawn.get(message.message_id) ?? -1) <= asked);
  return { fresh: known.flatMap((message) => show(thread, message, asked, false)), gone };
}

/** The messages of a thread that arrive. */
export const all = (thread) => [...thread.rows.values()].filter((row) => row.arriving);
