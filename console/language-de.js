// German, for agents who are addressed formally.
globalThis.language = {
  "locale": "de",
  "direction": "ltr",
  "texts": {
    "common": {
      "ai_agent": "KI-Agent",
      "cancel": "Abbrechen",
      "canned_replies": "Textbausteine",
      "close": "Schließen",
      "copied": "Kopiert.",
      "details": "Details",
      "download": "Herunterladen",
      "keyboard_shortcuts": "Tastenkürzel",
      "loading": "Wird geladen …",
      "no": "nein",
      "note_for_colleagues": "Notiz, nur für Ihr Team sichtbar",
      "nothing_found": "Nichts gefunden.",
      "open": "Öffnen",
      "percent": "{number} %",
      "search": "Suchen",
      "send_again": "Erneut senden",
      "settings": "Einstellungen",
      "team": "Team",
      "try_again": "Erneut versuchen",
      "unreachable": "Das Relay ist nicht erreichbar.",
      "answered_status": "Das Relay hat mit {status} geantwortet.",
      "yes": "ja",
      "dismiss": "Ausblenden"
    },
    "sign_in": {
      "title": "Anmelden",
      "about": "Beantworten Sie die Unterhaltungen, die der KI-Agent übergibt.",
      "token": "Ihr Token",
      "token_hint": "Fragen Sie die Person, die das Relay betreibt: Die Tokens stehen in {setting}. Der Browser speichert Ihr Token nicht.",
      "used_link": "Dieser Link wurde schon verwendet oder ist abgelaufen. Melden Sie sich mit Ihrem Token an.",
      "wrong_token": "Dieses Token ist ungültig. Prüfen Sie, ob Sie es vollständig kopiert haben.",
      "too_many": {
        "one": "Zu viele Fehlversuche. Versuchen Sie es in {number} Sekunde erneut.",
        "other": "Zu viele Fehlversuche. Versuchen Sie es in {number} Sekunden erneut."
      },
      "ended": "Ihre Sitzung ist beendet. Melden Sie sich erneut an."
    },
    "sign_out": {
      "title": "Abmelden?",
      "yes": "Abmelden",
      "unfinished": "Das Relay ist nicht erreichbar, Ihre Sitzung ist also noch gültig. Lassen Sie diese Seite offen: Sie beendet die Sitzung, sobald es geht.",
      "not_sent": { "one": "Nicht gesendet: {number} Datei.", "other": "Nicht gesendet: {number} Dateien." }
    },
    "page": {
      "skip": "Zur Unterhaltung springen",
      "no_connection": "Keine Verbindung zum Relay.",
      "trying": "Es wird weiter versucht. Entwürfe und nicht gesendete Nachrichten bleiben erhalten.",
      "try_now": "Jetzt versuchen",
      "conversations": "Unterhaltungen",
      "conversation": "Unterhaltung",
      "account": "Ihr Konto",
      "platform_deaf": "Von Agenten auf {platform} kommt nichts an: {error}.",
      "platform_disabled": "Die Plattform {platform} ist abgeschaltet, bisher {time} lang. Agenten dort sehen nicht, was Kunden schreiben.",
      "platform_silent": "Die Plattform {platform} nimmt nichts an, bisher {time} lang. Agenten dort sehen nicht, was Kunden schreiben.",
      "copy_refused": "Der Browser erlaubt das Kopieren nicht. Markieren Sie den Text und kopieren Sie ihn selbst.",
      "files_lost": {
        "one": "{number} Datei wird nicht gesendet.",
        "other": "{number} Dateien werden nicht gesendet."
      }
    },
    "time": {
      "today": "Heute",
      "yesterday": "Gestern",
      "day_and_clock": "{day}, {clock}",
      "seconds": "{number} s",
      "minutes": "{number} min",
      "hours": "{number} h",
      "hours_and_minutes": "{hours} h {minutes} min",
      "days": { "one": "{number} Tag", "other": "{number} Tage" },
      "left": "noch {time}",
      "ends_now": "endet jetzt",
      "waiting_for": "Wartezeit {time}",
      "waiting_since": "Wartet seit: {time}",
      "unanswered_since": "Ohne Antwort seit: {time}",
      "ends_at": "Ohne Agenten endet die Unterhaltung: {time}"
    },
    "people": {
      "customer": "Kunde",
      "customer_of": "Kunde {id}",
      "the_customer": "Der Kunde",
      "another_agent": "Ein anderer Agent",
      "more": { "one": "{number} weitere Person", "other": "{number} weitere" },
      "an_agent": "Ein Agent",
      "you": "Sie",
      "you_within": "Sie",
      "yourself": "{agent} (Sie)",
      "name_in_ada": "Der Name des Kunden in Ada",
      "in_ada": "In Ada: {name}"
    },
    "status": { "waiting": "Wartet", "active": "Aktiv", "ended": "Beendet", "missed": "Verpasst" },
    "events": {
      "started": "Vom KI-Agenten übergeben",
      "adopted": "Durch eine Nachricht des Kunden eröffnet; der Startaufruf von Ada kam nicht an",
      "accepted": "{agent} hat angenommen",
      "taken_over": "{agent} hat übernommen",
      "handed_over": "{agent} hat an {to} übergeben",
      "released": "{agent} hat in die Warteschlange zurückgegeben",
      "agent_gone": "{agent} war nicht mehr da: zurück in der Warteschlange",
      "timed_out": "Zeit abgelaufen: Niemand hat geantwortet",
      "ended": "{agent} hat die Unterhaltung beendet",
      "unknown": "{event} durch {agent}"
    },
    "events_by_you": {
      "accepted": "Sie haben angenommen",
      "taken_over": "Sie haben übernommen",
      "handed_over": "Sie haben an {to} übergeben",
      "released": "Sie haben in die Warteschlange zurückgegeben",
      "agent_gone": "Sie waren nicht mehr da: zurück in der Warteschlange",
      "ended": "Sie haben die Unterhaltung beendet"
    },
    "ended_by": {
      "agent": "Ein Agent hat die Unterhaltung beendet",
      "end_user": "{customer} hat die Unterhaltung beendet",
      "system": "Die Unterhaltung wurde automatisch beendet",
      "ada": "Die Unterhaltung wurde in Ada beendet"
    },
    "end_words": {
      "missed_by_agent": "Verpasst: Der Agent hat nicht rechtzeitig geantwortet",
      "missed": "Verpasst: Niemand hat rechtzeitig angenommen",
      "you": "Von Ihnen beendet",
      "agent": "Beendet von {agent}",
      "unknown": "Beendet"
    },
    "over_by": {
      "end_user": "Beendet von {customer}",
      "system": "Automatisch beendet",
      "ada": "In Ada beendet"
    },
    "preview": {
      "none": "Noch keine Nachrichten",
      "said": "{author}: {text}",
      "note": "Notiz: {text}",
      "unknown": "Nicht unterstützte Nachricht"
    },
    "preview_files": {
      "image": "Bild: {name}",
      "audio": "Audio: {name}",
      "video": "Video: {name}",
      "file": "Datei: {name}"
    },
    "states": {
      "sending": "Wird gesendet",
      "queued": "Vorgemerkt",
      "sent": "Gesendet",
      "confirmed": "Bestätigt",
      "failed": "Nicht gesendet",
      "dropped": "Verworfen"
    },
    "state_titles": {
      "sending": "Wird an das Relay gesendet",
      "queued": "Wartet auf den Versand an Ada",
      "sent": "Ada hat die Nachricht angenommen",
      "confirmed": "Ada hat die Nachricht bestätigt",
      "failed": "Die Nachricht hat den Kunden nicht erreicht",
      "dropped": "Die Nachricht hat den Kunden nicht erreicht und wurde verworfen"
    },
    "channels": { "messaging": "Chat", "email": "E-Mail", "sms": "SMS", "voice": "Telefon" },
    "lists": {
      "waiting": "Wartend",
      "mine": "Meine",
      "everyone": "Alle",
      "missed": "Verpasst",
      "ended": "Beendet"
    },
    "empty": {
      "waiting": "Niemand wartet",
      "mine": "Sie haben keine Unterhaltungen",
      "everyone": "Es gibt keine aktiven Unterhaltungen",
      "missed": "Niemand wurde verpasst",
      "ended": "Noch keine Unterhaltung ist beendet"
    },
    "empty_about": {
      "waiting": "Neue Unterhaltungen erscheinen hier von selbst, die längste Wartezeit zuerst.",
      "mine": "Nehmen Sie eine wartende an. Sie gehört Ihnen, bis Sie sie beenden oder in die Warteschlange zurückgeben.",
      "everyone": "Hier erscheinen alle Unterhaltungen, die Ihr Team angenommen hat.",
      "missed": "Hier erscheinen Unterhaltungen, deren Zeit ablief, bevor ein Agent geantwortet hat.",
      "ended": "Hier können Sie Unterhaltungen nachlesen, wenn sie beendet sind."
    },
    "queue": {
      "search": "Unterhaltungen durchsuchen",
      "filters": "Filter",
      "lists": "Listen",
      "loading": "Unterhaltungen werden geladen",
      "more": "Weiter zurück suchen",
      "failed": "Die Liste konnte nicht geladen werden.",
      "waiting": "wartend",
      "unread": "ungelesen",
      "nothing_found": "Nichts gefunden für „{text}“",
      "search_about": "Durchsucht werden Namen, E-Mail-Adressen, Felder der Übergabe, IDs, Nachrichten, Notizen und Dateinamen.",
      "nobody_fits": "Zu den Filtern passt hier niemand",
      "without_filters": {
        "one": "Ohne Filter hat die Liste {number} Unterhaltung.",
        "other": "Ohne Filter hat die Liste {number} Unterhaltungen."
      },
      "found_without_filters": {
        "one": "Ohne Filter hat die Suche {number} Unterhaltung gefunden.",
        "other": "Ohne Filter hat die Suche {number} Unterhaltungen gefunden."
      },
      "clear_filters": "Filter entfernen",
      "announced": {
        "one": "{customer} wartet. {number} Unterhaltung in der Warteschlange.",
        "other": "{customer} wartet. {number} Unterhaltungen in der Warteschlange."
      },
      "told": "Mitgeteilt: {text}",
      "told_nothing": "Dem Kunden wurde nichts mitgeteilt",
      "not_written": "Der Kunde hat noch nichts geschrieben",
      "summary": "Zusammenfassung",
      "named": "{name}: {value}"
    },
    "filters": {
      "title": "Filtern und sortieren",
      "title_set": {
        "one": "Filtern und sortieren, {number} Filter gesetzt",
        "other": "Filtern und sortieren, {number} Filter gesetzt"
      },
      "nothing": "Die Unterhaltungen dieser Liste unterscheiden sich in nichts, wonach man filtern könnte.",
      "sort_by": "Sortieren nach",
      "all": "Alle",
      "value": "{value} ({number})",
      "another": "Weiteres Feld",
      "none": "Keines",
      "remove": "Filter {filter} entfernen",
      "channel": "Kanal"
    },
    "orders": {
      "longest": "Längste Wartezeit",
      "answer": "Am längsten ohne Antwort",
      "latest": "Letzte Nachricht",
      "newest": "Neueste"
    },
    "offers": {
      "to_you": "Ihnen angeboten, noch {number} s",
      "to_other": "{agent} angeboten",
      "left_by": "{agent} ist nicht mehr da",
      "announced": "Die Unterhaltung mit {customer} wird Ihnen angeboten."
    },
    "duties": { "on": "Im Dienst", "away": "Abwesend", "gone": "Nicht da" },
    "duty": {
      "be_on": "Zum Dienst melden",
      "be_away": "Abwesend melden",
      "is_on": "Sie sind im Dienst.",
      "is_away": "Sie sind abwesend: Ihr Team sieht das, und Sie zählen nicht als im Dienst.",
      "on_title": "Sie nehmen Unterhaltungen an. Klicken Sie, um sich abwesend zu melden.",
      "away_title": "Sie nehmen keine Unterhaltungen an. Klicken Sie, um sich zum Dienst zu melden."
    },
    "colleagues": {
      "label": "Wer da ist",
      "on_duty": "im Dienst",
      "title": {
        "one": "{number} Agent im Dienst. Klicken Sie, um zu sehen, wer.",
        "other": "{number} Agenten im Dienst. Klicken Sie, um zu sehen, wer."
      },
      "lead": "Leitung"
    },
    "presence": {
      "writing": { "one": "{agents} schreibt …", "other": "{agents} schreiben …" },
      "looking": { "one": "{agents} sieht sich das an", "other": "{agents} sehen sich das an" }
    },
    "presence_announced": {
      "writing": "{agent} schreibt in dieser Unterhaltung.",
      "looking": "{agent} sieht sich diese Unterhaltung an."
    },
    "conversation": {
      "none": "Keine Unterhaltung geöffnet",
      "choose": "Wählen Sie eine aus der Liste. {down} und {up} bewegen sich darin, {enter} öffnet eine, {help} zeigt alle Tasten.",
      "back": "Zurück zur Liste",
      "doubtful": "Der KI-Agent hat wieder geschrieben. Vielleicht ist die Übergabe in Ada beendet. Ihre nächste Nachricht wird es zeigen.",
      "loading": "Die Unterhaltung wird geladen",
      "gone": "Diese Unterhaltung gibt es nicht mehr.",
      "hidden": "Diese Unterhaltung gehört jetzt einem anderen Team.",
      "failed": "Die Unterhaltung konnte nicht geladen werden.",
      "assigned_to_you": "Ihnen zugewiesen",
      "assigned": "{agent} zugewiesen"
    },
    "withdrawn": {
      "moved": "Eine Nachricht des Kunden gehört zu einer anderen Unterhaltung und ist jetzt dort.",
      "dropped": "Eine Nachricht des Kunden konnte dieser Unterhaltung nicht hinzugefügt werden. Sie liegt bei den unzustellbaren Nachrichten.",
      "missed": "Eine Nachricht des Kunden ist in einer anderen Unterhaltung oder bei den unzustellbaren Nachrichten."
    },
    "thread": {
      "label": "Nachrichten",
      "pending": "Werden gesendet",
      "log": "Neue Nachrichten",
      "earlier": "Frühere Nachrichten werden geladen …",
      "failed": "Die Nachrichten konnten nicht geladen werden.",
      "empty": "Noch keine Nachrichten.",
      "new": "Neu",
      "new_messages": { "one": "{number} neue Nachricht", "other": "{number} neue Nachrichten" },
      "last_of_new": {
        "one": "{number} neue Nachricht. Die letzte: {text}",
        "other": "{number} neue Nachrichten. Die letzte: {text}"
      },
      "to_newest": "Zur neuesten",
      "note_role": "Notiz, nur für Ihr Team sichtbar",
      "notify_failed": "Ada konnte nicht benachrichtigt werden: {error}",
      "refused": "abgelehnt",
      "notifying": "Ada wird benachrichtigt …",
      "late": "Verspätet",
      "late_title": "Kam nach neueren Nachrichten an und wurde richtig eingeordnet",
      "recovered": "Nachgeholt",
      "recovered_title": "Kam mit keinem Webhook und wurde aus der Nachrichtenliste von Ada gelesen",
      "not_sent": "Die Nachricht konnte nicht gesendet werden.",
      "drop": "Verwerfen",
      "show_all": "Alle {number} Zeichen anzeigen",
      "unreadable": "Diese Nachricht ist nicht lesbar: {error}",
      "unknown_type": "Nachrichten dieser Art können hier nicht angezeigt werden: {type}",
      "too_old": "Diese Nachricht wurde nicht gesendet. Sie ist inzwischen zu alt, um automatisch gesendet zu werden."
    },
    "buttons": {
      "accept": "Annehmen",
      "takeOver": "Übernehmen",
      "decline": "Ablehnen",
      "release": "Zurückgeben",
      "handOver": "Übergeben",
      "end": "Beenden"
    },
    "actions": {
      "declined": "Abgelehnt.",
      "released": "In die Warteschlange zurückgegeben.",
      "nobody_waits": "Niemand wartet.",
      "all_answered": "Niemand wartet auf Ihre Antwort."
    },
    "take_over": {
      "title": "Von {agent} übernehmen?",
      "offered": "Die Unterhaltung wird {agent} angeboten und kann dort dann nicht mehr angenommen werden.",
      "loses": "{agent} kann {customer} dann nicht mehr schreiben und sieht, dass Sie übernommen haben."
    },
    "give_back": {
      "title": "Unterhaltung mit {customer} zurückgeben?",
      "about": "Sie wartet dann in der Warteschlange. Alle, die sie sehen dürfen, können sie annehmen.",
      "yes": "Zurückgeben"
    },
    "hand_over": {
      "title": "Unterhaltung mit {customer} übergeben",
      "about": "Ein Team findet sie in seiner Warteschlange. Ein Agent hat sie sofort.",
      "to": "An",
      "away": "{agent} (abwesend)",
      "gone": "{agent} (nicht hier)",
      "teams": "Teams",
      "colleagues": "Agenten",
      "nobody": "Es gibt niemanden, dem Sie sie übergeben könnten.",
      "done": "An {to} übergeben."
    },
    "end": {
      "title": "Unterhaltung mit {customer} beenden?",
      "about": "Vorgemerkte Nachrichten werden noch gesendet. Danach antwortet wieder der KI-Agent.",
      "outcome": "Ergebnis",
      "not_said": "Ohne Angabe",
      "yes": "Unterhaltung beenden",
      "next": "Beendet. Als Nächstes wartet {customer} (Wartezeit {time}).",
      "open_next": "Nächste öffnen"
    },
    "composer": {
      "label": "Schreiben",
      "modes": "Art der Nachricht",
      "reply": "Antwort",
      "note": "Notiz",
      "send": "Senden",
      "add_note": "Notiz hinzufügen",
      "accept_and_send": "Annehmen und senden",
      "reply_to": "Antwort an {customer}",
      "note_label": "Notiz für Ihr Team",
      "note_placeholder": "Nur für Ihr Team sichtbar",
      "offline": "Keine Verbindung. Ihr Entwurf bleibt erhalten.",
      "offered": "Diese Unterhaltung wird {agent} angeboten.",
      "waiting": "Diese Unterhaltung hat noch niemand angenommen. Nehmen Sie sie an, oder schreiben Sie: Ihre erste Nachricht nimmt sie an.",
      "taken": "{agent} hat diese Unterhaltung.",
      "over": "{how}. Sie können dem Kunden nicht mehr schreiben, aber noch Notizen hinzufügen.",
      "too_long": { "one": "{number} Zeichen zu viel", "other": "{number} Zeichen zu viel" },
      "left": { "one": "Noch {number} Zeichen", "other": "Noch {number} Zeichen" },
      "files_lost": "Angehängte Dateien gehen verloren, wenn die Seite neu geladen wird",
      "plain": "{channel} zeigt einfachen Text: **fett** wird als fett gesendet, ohne die Sterne",
      "keys": "{send} sendet, {line} beginnt eine neue Zeile, {canned} öffnet Textbausteine",
      "keys_accept": "{send} nimmt an und sendet, {line} beginnt eine neue Zeile, {canned} öffnet Textbausteine",
      "no_command": "„{text}“ ist kein Textbaustein",
      "unfilled": "{text} ist nicht ausgefüllt",
      "as_is": "So senden?",
      "as_is_yes": "So senden"
    },
    "kept_drafts": {
      "reply": "Ihr Entwurf wurde nicht gesendet",
      "note": "Ihre Notiz wurde nicht hinzugefügt"
    },
    "drafts": {
      "copy_reply": "Entwurf kopieren",
      "copy_note": "Notiz kopieren",
      "discard": "Verwerfen",
      "none": "Es gibt keinen Entwurf mehr."
    },
    "canned": {
      "none": "Es gibt noch keine Textbausteine.",
      "manage": "Textbausteine verwalten",
      "only_for_you": "Nur für Sie",
      "found": {
        "one": "{number} Textbaustein. Pfeiltasten wählen, die Eingabetaste fügt ein.",
        "other": "{number} Textbausteine. Pfeiltasten wählen, die Eingabetaste fügt ein."
      },
      "search": "Textbausteine durchsuchen",
      "new": "Neuer Baustein",
      "only_for_me": "Nur für mich",
      "delete": "Löschen",
      "title": "Titel",
      "text": "Text",
      "fields": "Diese Felder werden ausgefüllt: {fields} und jedes Feld der Übergabe, zum Beispiel {example}.",
      "save": "Speichern",
      "saved": "Gespeichert.",
      "none_yet": "Es gibt noch keine. Speichern Sie Texte, die Ihr Team oft schreibt.",
      "is_yours": "Nur Sie sehen diesen Textbaustein.",
      "is_shared": "Alle Agenten nutzen diesen Textbaustein gemeinsam.",
      "delete_title": "„{title}“ löschen?",
      "delete_own": "Sonst hat ihn niemand.",
      "delete_shared": "Er wird für das ganze Team gelöscht."
    },
    "files": {
      "attach": "Dateien anhängen",
      "attach_title": "Dateien anhängen, je bis zu 50 MB",
      "to_send": "Dateien zum Senden",
      "drop": "Dateien hier ablegen, um sie an {customer} zu senden",
      "folder": "Ein Ordner kann nicht gesendet werden. Machen Sie daraus zuerst eine ZIP-Datei.",
      "no_notes": "Notizen können keine Dateien haben. Wechseln Sie zu „Antwort“, um dem Kunden Dateien zu senden.",
      "accept_first": "Nehmen Sie die Unterhaltung an, um Dateien zu senden.",
      "attached": { "one": "{number} Datei angehängt", "other": "{number} Dateien angehängt" },
      "removed": "{name}: entfernt",
      "remove": "{name} entfernen",
      "uploaded": "{name}: hochgeladen",
      "failed": "{name}: fehlgeschlagen. {error}",
      "with_fault": "{name}: {fault}",
      "lost_at_end": {
        "one": "Die Unterhaltung mit {customer} ist beendet. Nicht gesendet: {number} Datei.",
        "other": "Die Unterhaltung mit {customer} ist beendet. Nicht gesendet: {number} Dateien."
      },
      "nameless": "Datei",
      "wrong_ending": ".{ending}-Dateien können nicht gesendet werden. Möglich sind Bilder, Audio, Video, PDF, Office- und iWork-Dokumente, Text, CSV, E-Mail und ZIP.",
      "wrong_kind": "Dateien dieser Art können nicht gesendet werden. Möglich sind Bilder, Audio, Video, PDF, Office- und iWork-Dokumente, Text, CSV, E-Mail und ZIP.",
      "is_empty": "Die Datei ist leer.",
      "too_large": "Die Datei hat {size}. Höchstens 50 MB sind erlaubt.",
      "bytes": { "one": "{number} Byte", "other": "{number} Bytes" },
      "kilobytes": "{number} kB",
      "megabytes": "{number} MB",
      "cant_be_shown": "nicht darstellbar",
      "picture_not_shown": "Dieses Bild kann nicht angezeigt werden. Sie können es trotzdem herunterladen.",
      "downloading": "Wird heruntergeladen …",
      "not_available": "Diese Datei ist nicht verfügbar.",
      "not_downloaded": "Die Datei konnte nicht heruntergeladen werden.",
      "cancel": "{name} abbrechen",
      "uploading": "{name} wird hochgeladen",
      "almost": "Gleich fertig …",
      "interrupted": "Der Upload wurde unterbrochen. Wenn die Datei nicht in der Unterhaltung ist, hängen Sie sie erneut an.",
      "again_soon": "{error} Neuer Versuch folgt …",
      "changed": "Die Datei wurde nach dem Anhängen geändert oder gelöscht. Hängen Sie sie erneut an.",
      "place": "{number} von {all}",
      "previous": "Voriges Bild",
      "next": "Nächstes Bild"
    },
    "details": {
      "close": "Details schließen",
      "body": "Details der Unterhaltung",
      "from_handover": "Aus der Übergabe",
      "no_fields": "Der KI-Agent hat keine Felder gesendet.",
      "yes": "Ja",
      "no": "Nein",
      "not_filled": "nicht ausgefüllt",
      "handed_over": "Übergeben",
      "accepted": "Angenommen",
      "last_agent": "Letzter Agent",
      "agent": "Agent",
      "told": "Dem Kunden mitgeteilt",
      "nothing": "Nichts",
      "ended": "Beendet",
      "feedback": "Bewertung",
      "outcome": "Ergebnis",
      "conversation_id": "ID der Unterhaltung",
      "copy_id": "ID der Unterhaltung kopieren",
      "as_text": "Als Text öffnen",
      "language": "Sprache",
      "verified": "Identität bestätigt",
      "not_verified": "Identität nicht bestätigt",
      "identity": "Identität: {value}",
      "reason": "Grund",
      "summary": "Zusammenfassung"
    },
    "earlier": {
      "later": "Spätere Übergaben",
      "earlier": "Frühere Übergaben",
      "more": { "one": "{number} weitere", "other": "{number} weitere" },
      "failed": "Sie konnten nicht geladen werden.",
      "waiting": "Wartet auf einen Agenten",
      "active": "Bei {agent}",
      "notes": "Notizen",
      "no_notes": "Keine Notizen.",
      "notes_failed": "Die Notizen konnten nicht geladen werden. Klappen Sie sie zu und wieder auf, um es erneut zu versuchen."
    },
    "notices": {
      "given": "{agent} hat Ihnen die Unterhaltung mit {customer} übergeben.",
      "hidden": "Sie können die Unterhaltung mit {customer} nicht mehr sehen: Sie gehört einem anderen Team oder wurde gelöscht.",
      "ended": "Die Unterhaltung mit {customer} ist zu Ende. {how}.",
      "you_gone": "Die Unterhaltung mit {customer} ging zurück in die Warteschlange, weil Sie nicht mehr da waren.",
      "taken_over": "{agent} hat die Unterhaltung mit {customer} übernommen.",
      "handed_over": "{agent} hat die Unterhaltung mit {customer} an {to} übergeben.",
      "released": "{agent} hat die Unterhaltung mit {customer} in die Warteschlange zurückgegeben.",
      "waiting": "Die Unterhaltung mit {customer} ist wieder in der Warteschlange.",
      "moved": "{agent} hat jetzt die Unterhaltung mit {customer}.",
      "given_back": "{agent} hat die Unterhaltung mit {customer} in die Warteschlange zurückgegeben.",
      "gone": "Die Unterhaltung mit {customer} ist wieder in der Warteschlange, weil {agent} nicht mehr da ist.",
      "failed": "Ihre Nachricht wurde nicht gesendet: {error}",
      "failed_to": "Ihre Nachricht an {customer} wurde nicht gesendet: {error}",
      "was_refused": "Sie wurde abgelehnt."
    },
    "alerts": {
      "given": "{customer} wurde Ihnen übergeben",
      "lost": "{customer} ist nicht mehr bei Ihnen",
      "returned": "{customer} wurde zurückgegeben",
      "failed": "{customer} hat Ihre Nachricht nicht erhalten",
      "offered": "{customer} wird Ihnen angeboten",
      "waiting": "{customer} wartet",
      "wrote": "{customer} hat geschrieben",
      "test": "Eine Benachrichtigung der Konsole",
      "test_about": "So sieht es aus, wenn jemand Sie braucht.",
      "all_off": "Ton und Benachrichtigungen sind aus.",
      "not_allowed": "Der Browser erlaubt dieser Seite keine Benachrichtigungen."
    },
    "switches": {
      "badge": "Zahl im Titel",
      "sound": "Ton",
      "notifications": "Desktop-Benachrichtigungen",
      "shortcuts": "Kürzel mit einzelnen Tasten"
    },
    "switches_about": {
      "badge": "Zählt, wer auf Ihre Antwort wartet oder Ihnen angeboten wird",
      "sound": "Wenn jemand wartet oder Ihnen angeboten wird, ein Kunde von Ihnen schreibt, eine Nachricht von Ihnen scheitert oder eine Unterhaltung zu Ihnen oder von Ihnen weg wechselt",
      "notifications": "Bei denselben Ereignissen, während Sie ein anderes Fenster verwenden",
      "shortcuts": "Zum Beispiel j und k in der Liste. Die Taste ? zeigt alle"
    },
    "settings": {
      "test": "Testen",
      "stored": "Diese Einstellungen werden in diesem Browser gespeichert.",
      "welcome": "Hören Sie, wenn jemand Sie braucht",
      "later": "Sie finden das später in den Einstellungen.",
      "done": "Fertig",
      "language": "Sprache",
      "language_title": "Sprache wechseln?",
      "language_yes": "Wechseln"
    },
    "palette": {
      "label": "Aktionen und Unterhaltungen",
      "find": "Aktion oder Unterhaltung suchen",
      "list": "Liste: {list}"
    },
    "keys": {
      "ctrl": "Strg",
      "shift": "Umschalt",
      "enter": "Eingabe",
      "escape": "Esc",
      "home": "Pos1",
      "end": "Ende",
      "anywhere": "Überall",
      "in_list": "In der Liste",
      "about": "Während eine Ihrer Unterhaltungen offen ist, geht in ihr Textfeld, was Sie tippen. Kürzel mit einzelnen Tasten können Sie in den Einstellungen abschalten."
    },
    "combinations": {
      "palette": "alles: Aktionen und Unterhaltungen",
      "accept": "annehmen oder übernehmen",
      "decline": "ablehnen, was Ihnen angeboten wird",
      "release": "in die Warteschlange zurückgeben",
      "handOver": "an einen Agenten oder ein Team übergeben",
      "end": "beenden",
      "next": "nächste wartende Unterhaltung öffnen",
      "unanswered": "nächste öffnen, die auf Sie wartet",
      "note": "zwischen Antwort und Notiz wechseln",
      "details": "Details ein- oder ausblenden",
      "search": "suchen"
    },
    "list_keys": {
      "next": "nächste Unterhaltung",
      "previous": "vorige Unterhaltung",
      "first": "erste Unterhaltung",
      "last": "letzte Unterhaltung",
      "open": "öffnen",
      "lists": "die Listen",
      "search": "suchen; im Textfeld: Textbausteine",
      "help": "diese Liste",
      "back": "zurück zur Liste"
    },
    "reports": {
      "title": "Berichte",
      "failed": "Die Berichte konnten nicht geladen werden.",
      "back": "Zurück zu den Unterhaltungen",
      "day": "Tag",
      "now": "Jetzt",
      "as_of": "Stand {time}",
      "teams_now": "Teams jetzt",
      "agents_now": "Agenten jetzt",
      "previous_day": "Voriger Tag",
      "next_day": "Nächster Tag",
      "teams_of_day": "Teams an diesem Tag",
      "agents_of_day": "Agenten an diesem Tag",
      "announced": {
        "one": "{day}: {number} Unterhaltung",
        "other": "{day}: {number} Unterhaltungen"
      },
      "waiting": "Wartend",
      "longest": "am längsten {time}",
      "longest_wait": "Längste Wartezeit",
      "active": "Aktiv",
      "unanswered": "Ohne Antwort",
      "of_active": "von den aktiven",
      "off_duty": "{away} abwesend, {gone} nicht da",
      "teams": "Teams",
      "agents": "Agenten",
      "agent": "Agent",
      "elsewhere": "Anderswo",
      "state": "Status",
      "about": "{day}, nach der Uhr von {zone}. Die Zahlen gelten für die Unterhaltungen, die an diesem Tag begannen, und sagen, was bis jetzt aus ihnen geworden ist.",
      "unrecorded": {
        "one": "{number} Unterhaltung nicht mitgezählt, weil das damals noch nicht erfasst wurde",
        "other": "{number} Unterhaltungen nicht mitgezählt, weil das damals noch nicht erfasst wurde"
      },
      "within": "Median; 9 von 10 höchstens {time}",
      "began": "Begonnen",
      "still_open": "{number} noch offen",
      "accepted": "Angenommen",
      "missed": "Verpasst",
      "open": "Offen",
      "wait": "Wartezeit auf einen Agenten",
      "first_answer": "Erste Antwort",
      "feedback": "Bewertung",
      "hours_as_table": "Die Stunden als Tabelle",
      "wait_median": "Wartezeit (Median)",
      "wait_most": "Wartezeit (9 von 10)",
      "answer_median": "Erste Antwort (Median)",
      "answer_most": "Erste Antwort (9 von 10)",
      "no_team": "Kein Team",
      "unrated": "niemand hat bewertet",
      "rated": "Durchschnitt aus {numbers}; {words} in Worten",
      "rating": "{average} ({number})",
      "by_hour": "Unterhaltungen nach der Stunde, in der sie begannen",
      "from": "Ab",
      "ended_by": "Beendet: {number}, von",
      "by_end_user": "Kunde",
      "by_agent": "Agent",
      "by_system": "Relay",
      "by_ada": "Ada",
      "outcomes": "Ergebnisse",
      "is_accepted": "angenommen",
      "is_not_accepted": "nicht angenommen",
      "is_missed": "verpasst",
      "none_began": "An diesem Tag begann keine Unterhaltung.",
      "hours": "Unterhaltungen nach Stunden: {hours}",
      "hour": "{clock} {number}",
      "hour_missed": "{clock} {number} ({missed} verpasst)"
    }
  }
};
