//! Who wants something of a made-up shop on a made-up day.

/// A customer, and what they want.
pub struct Customer {
    pub name: &'static str,
    /// What the AI Agent has found out: `category`, which leads to a team, `plan`, `language`.
    pub category: &'static str,
    pub plan: &'static str,
    pub language: &'static str,
    /// Ada's modality.
    pub channel: &'static str,
    pub says: &'static str,
}

const fn customer(
    name: &'static str,
    [category, plan, language, channel]: [&'static str; 4],
    says: &'static str,
) -> Customer {
    Customer { name, category, plan, language, channel, says }
}

/// Whoever is offered to Alex, and is answered on the pictures.
pub const MARIA: Customer =
    customer("Maria Silva", ["Payment", "Gold", "en", "messaging"], "I was charged twice for my shoes.");

/// Those who wait, with the minutes since they do, the longest first.
pub const WAITING: [(i64, Customer); 39] = [
    (
        41,
        customer(
            "Priya Nair",
            ["Delivery", "Plus", "en", "messaging"],
            "It says delivered, but there is nothing at my door.",
        ),
    ),
    (
        40,
        customer(
            "Jonas Weber",
            ["Delivery", "Basic", "de", "messaging"],
            "Kann das Paket zu meinem Nachbarn?",
        ),
    ),
    (
        37,
        customer(
            "Łukasz Nowak",
            ["Account", "Plus", "pl", "email"],
            "I can't sign in any more, and the mail doesn't come.",
        ),
    ),
    (35, customer("Leïla Haddad", ["Payment", "Plus", "ar", "messaging"], "وصلتني فاتورتان لنفس الطلب")),
    (
        33,
        customer(
            "Tom Baker",
            ["Order", "Basic", "en", "sms"],
            "Can I still change the size? It's A-1077, please.",
        ),
    ),
    (
        31,
        customer(
            "Chloé Martin",
            ["Return", "Plus", "fr", "email"],
            "Bonjour, l'étiquette de retour ne s'ouvre pas.",
        ),
    ),
    (
        30,
        customer(
            "Ahmed El-Sayed",
            ["Delivery", "Basic", "ar", "messaging"],
            "The courier called me but nobody came.",
        ),
    ),
    (
        28,
        customer(
            "Ingrid Lindqvist",
            ["Return", "Gold", "sv", "messaging"],
            "One boot is a 38, the other one a 39.",
        ),
    ),
    (
        27,
        customer(
            "Rafael Costa",
            ["Payment", "Basic", "pt", "messaging"],
            "Meu cartão foi recusado três vezes.",
        ),
    ),
    (
        25,
        customer(
            "Grace Kim",
            ["Order", "Plus", "en", "messaging"],
            "Is the blue one coming back before Christmas?",
        ),
    ),
    (24, customer("Marek Dvořák", ["Delivery", "Basic", "cs", "sms"], "Kde je můj balík?")),
    (
        23,
        customer(
            "Aoife Byrne",
            ["Return", "Basic", "en", "messaging"],
            "I sent it back two weeks ago and there is no refund.",
        ),
    ),
    (
        22,
        customer(
            "Yusuf Demir",
            ["Account", "Plus", "tr", "messaging"],
            "Please delete my old address, parcels keep going there.",
        ),
    ),
    (
        21,
        customer(
            "Hanna Virtanen",
            ["Order", "Basic", "fi", "email"],
            "The invoice has my old company name on it.",
        ),
    ),
    (
        20,
        customer(
            "Diego Fernández",
            ["Delivery", "Plus", "es", "messaging"],
            "El pedido llegó abierto y falta una caja.",
        ),
    ),
    (19, customer("Mei-Ling Chen", ["Payment", "Gold", "zh", "messaging"], "发票上的金额不对。")),
    (
        18,
        customer(
            "Oliver Grant",
            ["Order", "Basic", "en", "voice"],
            "I ordered it as a gift, please leave the invoice out.",
        ),
    ),
    (17, customer("Sofia Rossi", ["Return", "Plus", "it", "messaging"], "La zip si è rotta al primo uso.")),
    (
        16,
        customer(
            "Nikos Papadopoulos",
            ["Delivery", "Basic", "el", "messaging"],
            "Tracking has not moved since Thursday.",
        ),
    ),
    (
        15,
        customer(
            "Emily Watson",
            ["Account", "Basic", "en", "messaging"],
            "I moved. How do I change my phone number?",
        ),
    ),
    (
        14,
        customer(
            "Bjørn Hansen",
            ["Order", "Plus", "nb", "email"],
            "Two of the three lamps are the wrong colour.",
        ),
    ),
    (
        13,
        customer(
            "Fatima Zahra",
            ["Payment", "Basic", "fr", "messaging"],
            "Le code promo n'a pas été pris en compte.",
        ),
    ),
    (12, customer("Daniel Novák", ["Delivery", "Basic", "sk", "messaging"], "Can somebody call the driver?")),
    (
        11,
        customer(
            "Amara Okafor",
            ["Return", "Gold", "en", "messaging"],
            "I'd like a different size instead of the money.",
        ),
    ),
    (10, customer("Lucas Moreau", ["Order", "Basic", "fr", "sms"], "Annuler la commande A-1131 svp")),
    (10, customer("Zuzanna Wójcik", ["Account", "Plus", "pl", "messaging"], "Moje punkty zniknęły.")),
    (
        9,
        customer(
            "Peter Hofmann",
            ["Delivery", "Basic", "de", "email"],
            "Seit Montag steht da: Adresse unvollständig.",
        ),
    ),
    (8, customer("Keiko Tanaka", ["Payment", "Plus", "ja", "messaging"], "領収書の宛名を変更できますか。")),
    (
        7,
        customer(
            "Samuel Adeyemi",
            ["Order", "Basic", "en", "messaging"],
            "Does the charger fit a British socket?",
        ),
    ),
    (
        7,
        customer(
            "Nora Jansen",
            ["Return", "Plus", "nl", "messaging"],
            "De doos is te groot voor de brievenbus.",
        ),
    ),
    (
        6,
        customer(
            "Ivan Petrov",
            ["Delivery", "Basic", "bg", "messaging"],
            "Could it come after six in the evening?",
        ),
    ),
    (
        5,
        customer(
            "Laura Schmidt",
            ["Payment", "Basic", "de", "messaging"],
            "PayPal sagt bezahlt, ihr sagt offen.",
        ),
    ),
    (
        4,
        customer(
            "Jack O'Neill",
            ["Order", "Plus", "en", "messaging"],
            "My basket is empty again, and the sale ends tonight.",
        ),
    ),
    (4, customer("Camila Rojas", ["Return", "Basic", "es", "sms"], "¿Dónde entrego la devolución?")),
    (3, customer("Elif Yılmaz", ["Account", "Basic", "tr", "messaging"], "The app logs me out each time.")),
    (
        2,
        customer(
            "Victor Ionescu",
            ["Delivery", "Plus", "ro", "messaging"],
            "Wrong house number, it's 14 and not 41!",
        ),
    ),
    (
        2,
        customer(
            "Anna Kowalska",
            ["Order", "Basic", "pl", "messaging"],
            "Czy mogę dodać jeszcze jedną rzecz?",
        ),
    ),
    (
        1,
        customer(
            "Henry Lewis",
            ["Payment", "Basic", "en", "messaging"],
            "Why is there a fee of 2.99 on my bill?",
        ),
    ),
    (0, customer("Beatriz Almeida", ["Delivery", "Gold", "pt", "messaging"], "Hi, is a person there?")),
];

/// Those whom agents have: whose each is, for how many minutes, and what the agent has answered, if anything.
pub const ACTIVE: [(&str, i64, Customer, Option<&str>); 9] = [
    (
        "Jonas",
        58,
        customer("Paul Richter", ["Payment", "Basic", "de", "email"], "Die Mahnung ist falsch."),
        Some("Ich frage in der Buchhaltung nach und melde mich heute noch."),
    ),
    (
        "Sam",
        36,
        customer("Ruth Adler", ["Payment", "Plus", "en", "messaging"], "My voucher says it is used up."),
        Some("Let me see when it was used."),
    ),
    (
        "Sam",
        29,
        customer("Carlos Vega", ["Account", "Basic", "es", "messaging"], "No me llega el código."),
        None,
    ),
    (
        "Sam",
        18,
        customer(
            "Olga Ivanova",
            ["Payment", "Plus", "en", "messaging"],
            "I need an invoice with a VAT number.",
        ),
        Some("Of course. Which number should be on it?"),
    ),
    (
        "Priya",
        33,
        customer("Ben Carter", ["Delivery", "Basic", "en", "sms"], "Where is my parcel?"),
        Some("It is in Leeds and comes tomorrow before noon."),
    ),
    (
        "Mei",
        21,
        customer("Julia Braun", ["Return", "Plus", "de", "messaging"], "Der Reißverschluss klemmt."),
        Some("Das tut mir leid! Neu oder Geld zurück?"),
    ),
    (
        "Alex",
        26,
        customer("Nadia Rahman", ["Return", "Plus", "en", "messaging"], "The mug arrived in pieces."),
        Some("I'm sorry! A new one leaves today. Could you send me a photo?"),
    ),
    (
        "Alex",
        17,
        customer("Martin Dubois", ["Delivery", "Basic", "fr", "email"], "Bonjour, où est ma commande ?"),
        None,
    ),
    (
        "Alex",
        12,
        customer("Sarah Cohen", ["Order", "Gold", "en", "messaging"], "Please send it to my office instead."),
        Some("Done. It will be there on Wednesday."),
    ),
];

/// Those who are over today: who had each, how many minutes ago it began, and its outcome. Nobody accepted those without an
/// agent.
pub const OVER: [(&str, i64, Customer, &str); 12] = [
    (
        "Mei",
        352,
        customer("Ella Fischer", ["Return", "Plus", "de", "messaging"], "Wie lange habe ich Zeit?"),
        "solved",
    ),
    ("Priya", 331, customer("Noah Evans", ["Delivery", "Basic", "en", "sms"], "Late again…"), "solved"),
    (
        "Sam",
        305,
        customer("Irene Gallo", ["Payment", "Basic", "it", "messaging"], "Bonifico già fatto."),
        "forwarded",
    ),
    (
        "Alex",
        288,
        customer("Theo Laurent", ["Order", "Plus", "fr", "email"], "Une erreur dans mon adresse."),
        "solved",
    ),
    ("", 262, customer("Maria Horák", ["Delivery", "Basic", "cs", "messaging"], "Is anybody there?"), ""),
    (
        "Jonas",
        247,
        customer("Felix König", ["Payment", "Plus", "de", "messaging"], "Doppelt abgebucht"),
        "solved",
    ),
    ("Alex", 214, customer("Ada Okoye", ["Return", "Basic", "en", "messaging"], "Refund, please."), "solved"),
    (
        "Priya",
        190,
        customer("Liam Walsh", ["Order", "Basic", "en", "messaging"], "Wrong colour."),
        "not solved",
    ),
    ("", 171, customer("Marta Pereira", ["Account", "Plus", "pt", "messaging"], "Não consigo entrar."), ""),
    (
        "Mei",
        148,
        customer("Elin Berg", ["Delivery", "Plus", "sv", "messaging"], "Var är mitt paket?"),
        "solved",
    ),
    (
        "Sam",
        117,
        customer("George Hall", ["Account", "Basic", "en", "voice"], "Close my account."),
        "forwarded",
    ),
    ("Alex", 96, customer("Rosa Marino", ["Order", "Gold", "it", "messaging"], "Cambio taglia?"), "solved"),
];
