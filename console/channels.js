// The channels on which customers write: their names and icons.

import { texts } from "./language.js";

const CHANNELS = {
  messaging: { title: texts.channels.messaging, icon: "chat" },
  email: { title: texts.channels.email, icon: "mail" },
  sms: { title: texts.channels.sms, icon: "sms" },
  voice: { title: texts.channels.voice, icon: "phone" },
};

/** The name and icon of a modality; a new one has the name that Ada gives it. */
export const modality = (name) => CHANNELS[name] ?? { title: name, icon: "inbox" };

/** The same of a handoff's channel; null while it is unknown. */
export const channel = (handoff) => (handoff.channel ? modality(handoff.channel.modality) : null);

/** The name of a handoff's channel if customers see no Markdown there; null otherwise. */
export const plainOnly = (handoff) => (handoff?.channel?.markdown === false ? channel(handoff).title : null);
