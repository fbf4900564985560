// English. Each text has a key; the others of its subject stand beside it.
globalThis.language = {
  "locale": "en-GB",
  "direction": "ltr",
  "texts": {
    "common": {
      "ai_agent": "AI Agent",
      "cancel": "Cancel",
      "canned_replies": "Canned replies",
      "close": "Close",
      "copied": "Copied.",
      "details": "Details",
      "download": "Download",
      "keyboard_shortcuts": "Keyboard shortcuts",
      "loading": "Loading…",
      "no": "no",
      "note_for_colleagues": "Note, which only your colleagues see",
      "nothing_found": "Nothing found.",
      "open": "Open",
      "percent": "{number} %",
      "search": "Search",
      "send_again": "Send again",
      "settings": "Settings",
      "team": "Team",
      "try_again": "Try again",
      "unreachable": "The relay can't be reached.",
      "answered_status": "The relay answered {status}.",
      "yes": "yes",
      "dismiss": "Dismiss"
    },
    "sign_in": {
      "title": "Sign in",
      "about": "Answer the conversations that the AI Agent hands over.",
      "token": "Your token",
      "token_hint": "Ask the person who runs the relay: the tokens are in {setting}. The browser does not store yours.",
      "used_link": "This link has been used or has expired. Sign in with your token.",
      "wrong_token": "This token is not valid. Check that you have copied all of it.",
      "too_many": {
        "one": "Too many failed attempts. Try again in {number} second.",
        "other": "Too many failed attempts. Try again in {number} seconds."
      },
      "ended": "Your session has ended. Sign in again."
    },
    "sign_out": {
      "title": "Sign out?",
      "yes": "Sign out",
      "unfinished": "The relay can't be reached, so your session is still valid. Leave this page open: it ends the session as soon as it can.",
      "not_sent": { "one": "Not sent: {number} file.", "other": "Not sent: {number} files." }
    },
    "page": {
      "skip": "Skip to the conversation",
      "no_connection": "No connection to the relay.",
      "trying": "Trying again. Drafts and unsent messages are kept.",
      "try_now": "Try now",
      "conversations": "Conversations",
      "conversation": "Conversation",
      "account": "Your account",
      "platform_deaf": "Agents of {platform} are not heard: {error}.",
      "platform_disabled": "The platform {platform} has been disabled for {time}. Its agents don't see what customers write.",
      "platform_silent": "The platform {platform} has taken nothing for {time}. Its agents don't see what customers write.",
      "copy_refused": "The browser does not allow copying. Select the text and copy it yourself.",
      "files_lost": {
        "one": "{number} file will not be sent.",
        "other": "{number} files will not be sent."
      }
    },
    "time": {
      "today": "Today",
      "yesterday": "Yesterday",
      "day_and_clock": "{day}, {clock}",
      "seconds": "{number} s",
      "minutes": "{number} min",
      "hours": "{number} h",
      "hours_and_minutes": "{hours} h {minutes} min",
      "days": { "one": "{number} day", "other": "{number} days" },
      "left": "{time} left",
      "ends_now": "ends now",
      "waiting_for": "Waiting for {time}",
      "waiting_since": "Waiting since {time}",
      "unanswered_since": "Without an answer since {time}",
      "ends_at": "Without an agent, the conversation ends at {time}"
    },
    "people": {
      "customer": "Customer",
      "customer_of": "Customer {id}",
      "the_customer": "The customer",
      "another_agent": "Another agent",
      "more": { "one": "{number} more", "other": "{number} more" },
      "an_agent": "An agent",
      "you": "You",
      "you_within": "you",
      "yourself": "{agent} (you)",
      "name_in_ada": "The customer's name in Ada",
      "in_ada": "In Ada: {name}"
    },
    "status": { "waiting": "Waiting", "active": "Active", "ended": "Ended", "missed": "Missed" },
    "events": {
      "started": "Handed over by the AI Agent",
      "adopted": "Opened by the customer's message; Ada's start call did not arrive",
      "accepted": "{agent} accepted",
      "taken_over": "{agent} took over",
      "handed_over": "{agent} handed it over to {to}",
      "released": "{agent} returned it to the queue",
      "agent_gone": "{agent} was gone: back in the queue",
      "timed_out": "Timed out: nobody answered",
      "ended": "{agent} ended the conversation",
      "unknown": "{event} by {agent}"
    },
    "events_by_you": {
      "accepted": "You accepted",
      "taken_over": "You took over",
      "handed_over": "You handed it over to {to}",
      "released": "You returned it to the queue",
      "agent_gone": "You were gone: back in the queue",
      "ended": "You ended the conversation"
    },
    "ended_by": {
      "agent": "An agent ended the conversation",
      "end_user": "{customer} ended the conversation",
      "system": "The conversation was ended automatically",
      "ada": "The conversation was ended in Ada"
    },
    "end_words": {
      "missed_by_agent": "Missed: the agent did not answer in time",
      "missed": "Missed: nobody accepted it in time",
      "you": "You ended it",
      "agent": "{agent} ended it",
      "unknown": "It has ended"
    },
    "over_by": {
      "end_user": "{customer} ended it",
      "system": "It was ended automatically",
      "ada": "It was ended in Ada"
    },
    "preview": {
      "none": "No messages yet",
      "said": "{author}: {text}",
      "note": "Note: {text}",
      "unknown": "Unsupported message type"
    },
    "preview_files": {
      "image": "Image: {name}",
      "audio": "Audio: {name}",
      "video": "Video: {name}",
      "file": "File: {name}"
    },
    "states": {
      "sending": "Sending",
      "queued": "Queued",
      "sent": "Sent",
      "confirmed": "Confirmed",
      "failed": "Not sent",
      "dropped": "Dropped"
    },
    "state_titles": {
      "sending": "Being sent to the relay",
      "queued": "Waiting to be sent to Ada",
      "sent": "Ada has accepted it",
      "confirmed": "Ada has confirmed it",
      "failed": "It did not reach the customer",
      "dropped": "It did not reach the customer, and was dropped"
    },
    "channels": { "messaging": "Chat", "email": "E-mail", "sms": "SMS", "voice": "Voice" },
    "lists": {
      "waiting": "Waiting",
      "mine": "Mine",
      "everyone": "Everyone",
      "missed": "Missed",
      "ended": "Ended"
    },
    "empty": {
      "waiting": "Nobody is waiting",
      "mine": "You have no conversations",
      "everyone": "There are no active conversations",
      "missed": "Nobody was missed",
      "ended": "No conversations have ended yet"
    },
    "empty_about": {
      "waiting": "New conversations appear here automatically, the longest wait first.",
      "mine": "Accept a waiting one. It is yours until you end it or return it to the queue.",
      "everyone": "All conversations that your team has accepted appear here.",
      "missed": "Conversations whose time ran out before an agent answered appear here.",
      "ended": "You can read conversations here after they end."
    },
    "queue": {
      "search": "Search conversations",
      "filters": "Filters",
      "lists": "Lists",
      "loading": "Loading conversations",
      "more": "Look further back",
      "failed": "The list could not be loaded.",
      "waiting": "waiting",
      "unread": "unread",
      "nothing_found": "Nothing found for “{text}”",
      "search_about": "The search covers names, e-mail addresses, handover fields, IDs, messages, notes and file names.",
      "nobody_fits": "Nobody here fits the filters",
      "without_filters": {
        "one": "Without them, the list has {number} conversation.",
        "other": "Without them, the list has {number} conversations."
      },
      "found_without_filters": {
        "one": "Without them, the search has found {number} conversation.",
        "other": "Without them, the search has found {number} conversations."
      },
      "clear_filters": "Clear the filters",
      "announced": {
        "one": "{customer} is waiting. {number} conversation in the queue.",
        "other": "{customer} is waiting. {number} conversations in the queue."
      },
      "told": "Told: {text}",
      "told_nothing": "The customer was told nothing",
      "not_written": "The customer has not written yet",
      "summary": "Summary",
      "named": "{name}: {value}"
    },
    "filters": {
      "title": "Filter and sort",
      "title_set": {
        "one": "Filter and sort, {number} filter set",
        "other": "Filter and sort, {number} filters set"
      },
      "nothing": "The conversations of this list have nothing to be told apart by.",
      "sort_by": "Sort by",
      "all": "All",
      "value": "{value} ({number})",
      "another": "Another field",
      "none": "None",
      "remove": "Remove the filter {filter}",
      "channel": "Channel"
    },
    "orders": {
      "longest": "Longest wait",
      "answer": "Longest without an answer",
      "latest": "Latest message",
      "newest": "Newest"
    },
    "offers": {
      "to_you": "Offered to you, {number} s left",
      "to_other": "Offered to {agent}",
      "left_by": "{agent} is gone",
      "announced": "The conversation with {customer} is offered to you."
    },
    "duties": { "on": "On duty", "away": "Away", "gone": "Not here" },
    "duty": {
      "be_on": "Be on duty",
      "be_away": "Be away",
      "is_on": "You are on duty.",
      "is_away": "You are away: colleagues see that, and you are not counted as on duty.",
      "on_title": "You take conversations. Click to be away.",
      "away_title": "You take no conversations. Click to be on duty."
    },
    "colleagues": {
      "label": "Who is here",
      "on_duty": "on duty",
      "title": {
        "one": "{number} agent on duty. Click to see who.",
        "other": "{number} agents on duty. Click to see who."
      },
      "lead": "Lead"
    },
    "presence": {
      "writing": { "one": "{agents} is writing…", "other": "{agents} are writing…" },
      "looking": { "one": "{agents} is looking at this", "other": "{agents} are looking at this" }
    },
    "presence_announced": {
      "writing": "{agent} is writing in this conversation.",
      "looking": "{agent} is looking at this conversation."
    },
    "conversation": {
      "none": "No conversation is open",
      "choose": "Choose one from the list. {down} and {up} move through it, {enter} opens one, {help} shows all keys.",
      "back": "Back to the list",
      "doubtful": "The AI Agent has written again, so the handoff may have ended in Ada. Your next message will show whether it has.",
      "loading": "Loading the conversation",
      "gone": "This conversation no longer exists.",
      "hidden": "This conversation is another team's now.",
      "failed": "The conversation could not be loaded.",
      "assigned_to_you": "Assigned to you",
      "assigned": "Assigned to {agent}"
    },
    "withdrawn": {
      "moved": "A message of the customer moved to another of their conversations.",
      "dropped": "A message of the customer could not be added to this conversation. It is among the dead letters.",
      "missed": "A message of the customer went to another conversation, or to the dead letters."
    },
    "thread": {
      "label": "Messages",
      "pending": "Being sent",
      "log": "New messages",
      "earlier": "Loading earlier messages…",
      "failed": "The messages could not be loaded.",
      "empty": "No messages yet.",
      "new": "New",
      "new_messages": { "one": "{number} new message", "other": "{number} new messages" },
      "last_of_new": {
        "one": "{number} new message. The last one: {text}",
        "other": "{number} new messages. The last one: {text}"
      },
      "to_newest": "To the newest",
      "note_role": "Note, only your team sees it",
      "notify_failed": "Ada could not be notified: {error}",
      "refused": "refused",
      "notifying": "Notifying Ada…",
      "late": "Late",
      "late_title": "It arrived after newer messages and was put in its place",
      "recovered": "Recovered",
      "recovered_title": "No webhook delivered it, so it was read from Ada's message list",
      "not_sent": "It could not be sent.",
      "drop": "Drop",
      "show_all": "Show all {number} characters",
      "unreadable": "This message can't be read: {error}",
      "unknown_type": "This console can't show messages of this type: {type}",
      "too_old": "This message was not sent. It is now too old to be sent automatically."
    },
    "buttons": {
      "accept": "Accept",
      "takeOver": "Take over",
      "decline": "Decline",
      "release": "Release",
      "handOver": "Hand over",
      "end": "End"
    },
    "actions": {
      "declined": "Declined.",
      "released": "Returned to the queue.",
      "nobody_waits": "Nobody is waiting.",
      "all_answered": "Nobody waits for your answer."
    },
    "take_over": {
      "title": "Take over from {agent}?",
      "offered": "It is offered to {agent}, who will no longer be able to accept it.",
      "loses": "{agent} will no longer be able to write to {customer}, and will see that you took over."
    },
    "give_back": {
      "title": "Give back the conversation with {customer}?",
      "about": "It waits in the queue, where all who may see it can accept it.",
      "yes": "Give back"
    },
    "hand_over": {
      "title": "Hand over the conversation with {customer}",
      "about": "A team finds it in its queue. A colleague has it at once.",
      "to": "To",
      "away": "{agent} (away)",
      "gone": "{agent} (not here)",
      "teams": "Teams",
      "colleagues": "Colleagues",
      "nobody": "There is nobody to whom it could be handed over.",
      "done": "Handed over to {to}."
    },
    "end": {
      "title": "End the conversation with {customer}?",
      "about": "Messages that are still queued are sent first. After that, the AI Agent answers again.",
      "outcome": "What came of it",
      "not_said": "Not said",
      "yes": "End conversation",
      "next": "Ended. {customer} has been waiting for {time}.",
      "open_next": "Open the next one"
    },
    "composer": {
      "label": "Write",
      "modes": "Message type",
      "reply": "Reply",
      "note": "Note",
      "send": "Send",
      "add_note": "Add note",
      "accept_and_send": "Accept and send",
      "reply_to": "Reply to {customer}",
      "note_label": "Note for your team",
      "note_placeholder": "Only your team sees this",
      "offline": "No connection. Your draft is kept.",
      "offered": "This conversation is offered to {agent}.",
      "waiting": "Nobody has accepted this conversation yet. Accept it, or write to do so with your first message.",
      "taken": "{agent} has this conversation.",
      "over": "{how}. You can no longer write to the customer, but you can still add notes.",
      "too_long": { "one": "{number} character too many", "other": "{number} characters too many" },
      "left": { "one": "{number} character left", "other": "{number} characters left" },
      "files_lost": "Attached files are lost when the page is reloaded",
      "plain": "{channel} shows plain text: **bold** is sent as bold, without the stars",
      "keys": "{send} sends, {line} for a new line, {canned} for canned replies",
      "keys_accept": "{send} accepts and sends, {line} for a new line, {canned} for canned replies",
      "no_command": "“{text}” is not a canned reply",
      "unfilled": "{text} is not filled in",
      "as_is": "Send it as it is?",
      "as_is_yes": "Send as it is"
    },
    "kept_drafts": { "reply": "Your draft was not sent", "note": "Your note was not added" },
    "drafts": {
      "copy_reply": "Copy draft",
      "copy_note": "Copy note",
      "discard": "Discard",
      "none": "There is no draft any more."
    },
    "canned": {
      "none": "There are no canned replies yet.",
      "manage": "Manage canned replies",
      "only_for_you": "Only for you",
      "found": {
        "one": "{number} canned reply. Arrow keys choose, Enter inserts.",
        "other": "{number} canned replies. Arrow keys choose, Enter inserts."
      },
      "search": "Search canned replies",
      "new": "New reply",
      "only_for_me": "Only for me",
      "delete": "Delete",
      "title": "Title",
      "text": "Text",
      "fields": "These fields are filled in: {fields} and any field from the handover, such as {example}.",
      "save": "Save",
      "saved": "Saved.",
      "none_yet": "There are none yet. Save the texts that your team often writes.",
      "is_yours": "Only you see this reply.",
      "is_shared": "All agents share this reply.",
      "delete_title": "Delete “{title}”?",
      "delete_own": "Nobody else has it.",
      "delete_shared": "It will be deleted for the whole team."
    },
    "files": {
      "attach": "Attach files",
      "attach_title": "Attach files, up to 50 MB each",
      "to_send": "Files to send",
      "drop": "Drop files to send them to {customer}",
      "folder": "A folder can't be sent. Make a ZIP file of it first.",
      "no_notes": "Notes can't have files. Switch to “Reply” to send files to the customer.",
      "accept_first": "Accept the conversation to send files.",
      "attached": { "one": "{number} file attached", "other": "{number} files attached" },
      "removed": "{name}: removed",
      "remove": "Remove {name}",
      "uploaded": "{name}: uploaded",
      "failed": "{name}: failed. {error}",
      "with_fault": "{name}: {fault}",
      "lost_at_end": {
        "one": "The conversation with {customer} has ended. Not sent: {number} file.",
        "other": "The conversation with {customer} has ended. Not sent: {number} files."
      },
      "nameless": "File",
      "wrong_ending": ".{ending} files can't be sent. You can send images, audio, video, PDF, Office and iWork documents, text, CSV, e-mail and ZIP.",
      "wrong_kind": "Files of this kind can't be sent. You can send images, audio, video, PDF, Office and iWork documents, text, CSV, e-mail and ZIP.",
      "is_empty": "The file is empty.",
      "too_large": "The file is {size}. The limit is 50 MB.",
      "bytes": { "one": "{number} byte", "other": "{number} bytes" },
      "kilobytes": "{number} kB",
      "megabytes": "{number} MB",
      "cant_be_shown": "can't be shown",
      "picture_not_shown": "This picture can't be shown. You can still download it.",
      "downloading": "Downloading…",
      "not_available": "This file is not available.",
      "not_downloaded": "The file could not be downloaded.",
      "cancel": "Cancel {name}",
      "uploading": "Uploading {name}",
      "almost": "Almost there…",
      "interrupted": "The upload was interrupted. If the file is not in the conversation, attach it again.",
      "again_soon": "{error} Trying again…",
      "changed": "The file was changed or deleted after it was attached. Attach it again.",
      "place": "{number} of {all}",
      "previous": "Previous picture",
      "next": "Next picture"
    },
    "details": {
      "close": "Close details",
      "body": "Details of the conversation",
      "from_handover": "From the handover",
      "no_fields": "The AI Agent sent no fields.",
      "yes": "Yes",
      "no": "No",
      "not_filled": "not filled in",
      "handed_over": "Handed over",
      "accepted": "Accepted",
      "last_agent": "Last agent",
      "agent": "Agent",
      "told": "The customer was told",
      "nothing": "Nothing",
      "ended": "Ended",
      "feedback": "Feedback",
      "outcome": "Outcome",
      "conversation_id": "Conversation ID",
      "copy_id": "Copy the conversation ID",
      "as_text": "Open as text",
      "language": "Language",
      "verified": "Identity verified",
      "not_verified": "Identity not verified",
      "identity": "Identity: {value}",
      "reason": "Reason",
      "summary": "Summary"
    },
    "earlier": {
      "later": "Later handoffs",
      "earlier": "Earlier handoffs",
      "more": { "one": "{number} more", "other": "{number} more" },
      "failed": "They could not be loaded.",
      "waiting": "Waiting for an agent",
      "active": "{agent} has it",
      "notes": "Notes",
      "no_notes": "No notes.",
      "notes_failed": "The notes could not be loaded. Close and open this to try again."
    },
    "notices": {
      "given": "{agent} handed the conversation with {customer} over to you.",
      "hidden": "You can't see the conversation with {customer} any more: it is another team's, or was deleted.",
      "ended": "The conversation with {customer} is over. {how}.",
      "you_gone": "The conversation with {customer} went back to the queue, because you were gone.",
      "taken_over": "{agent} took over the conversation with {customer}.",
      "handed_over": "{agent} handed the conversation with {customer} over to {to}.",
      "released": "{agent} returned the conversation with {customer} to the queue.",
      "waiting": "The conversation with {customer} is back in the queue.",
      "moved": "{agent} has the conversation with {customer} now.",
      "given_back": "{agent} gave the conversation with {customer} back to the queue.",
      "gone": "The conversation with {customer} is back in the queue, because {agent} is gone.",
      "failed": "Your message was not sent: {error}",
      "failed_to": "Your message to {customer} was not sent: {error}",
      "was_refused": "it was refused."
    },
    "alerts": {
      "given": "{customer} was handed over to you",
      "lost": "{customer} is no longer yours",
      "returned": "{customer} was given back",
      "failed": "{customer} did not get your message",
      "offered": "{customer} is offered to you",
      "waiting": "{customer} is waiting",
      "wrote": "{customer} wrote",
      "test": "A notification of the console",
      "test_about": "It looks like this when somebody needs you.",
      "all_off": "Sound and notifications are off.",
      "not_allowed": "The browser does not allow notifications from this page."
    },
    "switches": {
      "badge": "Number in the title",
      "sound": "Sound",
      "notifications": "Desktop notifications",
      "shortcuts": "Single-key shortcuts"
    },
    "switches_about": {
      "badge": "Counts the people who wait for your answer, or whose conversation is offered to you",
      "sound": "When somebody waits or is offered to you, a customer of yours writes, your message fails, or a conversation becomes yours or another's",
      "notifications": "For the same events, while you are using another window",
      "shortcuts": "Such as j and k in the list. Press ? to see all of them"
    },
    "settings": {
      "test": "Test",
      "stored": "These settings are stored in this browser.",
      "welcome": "Hear when somebody needs you",
      "later": "You find this in the settings later.",
      "done": "Done",
      "language": "Language",
      "language_title": "Change the language?",
      "language_yes": "Change"
    },
    "palette": {
      "label": "Actions and conversations",
      "find": "Find an action or a conversation",
      "list": "list: {list}"
    },
    "keys": {
      "ctrl": "Ctrl",
      "shift": "Shift",
      "enter": "Enter",
      "escape": "Esc",
      "home": "Home",
      "end": "End",
      "anywhere": "Anywhere",
      "in_list": "In the list",
      "about": "While one of your conversations is open, what you type goes into its composer. You can switch off single-key shortcuts in the settings."
    },
    "combinations": {
      "palette": "everything: actions and conversations",
      "accept": "accept, or take over",
      "decline": "decline what is offered to you",
      "release": "return to the queue",
      "handOver": "hand over to a colleague or a team",
      "end": "end",
      "next": "open the next waiting conversation",
      "unanswered": "open the next one that waits for you",
      "note": "switch between reply and note",
      "details": "show or hide details",
      "search": "search"
    },
    "list_keys": {
      "next": "next conversation",
      "previous": "previous conversation",
      "first": "first conversation",
      "last": "last conversation",
      "open": "open it",
      "lists": "the lists",
      "search": "search; in the composer: canned replies",
      "help": "this list",
      "back": "back to the list"
    },
    "reports": {
      "title": "Reports",
      "failed": "The reports could not be loaded.",
      "back": "Back to the conversations",
      "day": "Day",
      "now": "Now",
      "as_of": "As of {time}",
      "teams_now": "Teams now",
      "agents_now": "Agents now",
      "previous_day": "Previous day",
      "next_day": "Next day",
      "teams_of_day": "Teams on this day",
      "agents_of_day": "Agents on this day",
      "announced": {
        "one": "{day}: {number} conversation",
        "other": "{day}: {number} conversations"
      },
      "waiting": "Waiting",
      "longest": "longest {time}",
      "longest_wait": "Longest wait",
      "active": "Active",
      "unanswered": "Without an answer",
      "of_active": "of the active ones",
      "off_duty": "{away} away, {gone} not here",
      "teams": "Teams",
      "agents": "Agents",
      "agent": "Agent",
      "elsewhere": "Elsewhere",
      "state": "State",
      "about": "{day}, by the clocks of {zone}. The figures are of the conversations that began on this day, and say what has become of them until now.",
      "unrecorded": {
        "one": "{number} conversation left out, from before it was recorded",
        "other": "{number} conversations left out, from before it was recorded"
      },
      "within": "median; 9 of 10 within {time}",
      "began": "Began",
      "still_open": "{number} still open",
      "accepted": "Accepted",
      "missed": "Missed",
      "open": "Open",
      "wait": "Wait for an agent",
      "first_answer": "First answer",
      "feedback": "Feedback",
      "hours_as_table": "The hours as a table",
      "wait_median": "Wait (median)",
      "wait_most": "Wait (9 of 10)",
      "answer_median": "First answer (median)",
      "answer_most": "First answer (9 of 10)",
      "no_team": "No team",
      "unrated": "nobody has rated",
      "rated": "average of {numbers}; {words} in words",
      "rating": "{average} ({number})",
      "by_hour": "Conversations by the hour in which they began",
      "from": "From",
      "ended_by": "Ended: {number}, by",
      "by_end_user": "Customer",
      "by_agent": "Agent",
      "by_system": "Relay",
      "by_ada": "Ada",
      "outcomes": "Outcomes",
      "is_accepted": "accepted",
      "is_not_accepted": "not accepted",
      "is_missed": "missed",
      "none_began": "No conversation began on this day.",
      "hours": "Conversations by hour: {hours}",
      "hour": "{clock} {number}",
      "hour_missed": "{clock} {number} ({missed} missed)"
    }
  }
};
