//! Ada's list: what each ending stands for.

use super::content::{Look, Office};

/// An ending of file names.
pub(super) struct Kind {
    /// In capitals.
    pub(super) ending: &'static str,
    /// The type of a file that belongs here.
    pub(super) fits: fn(&Look<'_>) -> Option<&'static str>,
}

pub(super) const KINDS: [Kind; 32] = [
    kind("TXT", |look| look.text("text/plain")),
    kind("LOG", |look| look.text("text/plain")),
    kind("CSV", |look| look.text("text/csv")),
    kind("EML", |look| look.text("message/rfc822")),
    kind("PNG", |look| look.picture()),
    kind("SVG", |look| look.svg()),
    kind("JPEG", |look| look.picture()),
    kind("JPG", |look| look.picture()),
    kind("GIF", |look| look.picture()),
    kind("HEIF", |look| look.picture()),
    kind("HEIC", |look| look.picture()),
    kind("AVIF", |look| look.picture()),
    kind("WAV", |look| look.sound()),
    kind("M4A", |look| look.sound()),
    kind("MP3", |look| look.sound()),
    kind("MP4", |look| look.film("video/mp4")),
    kind("M4V", |look| look.film("video/mp4")),
    kind("MOV", |look| look.film("video/quicktime")),
    kind("MPEG", |look| look.film("video/mp4")),
    kind("MPG", |look| look.film("video/mp4")),
    kind("ZIP", |look| look.zip("application/zip")),
    kind("PDF", |look| look.pdf()),
    kind("DOC", |look| look.old_office(&WORD)),
    kind("DOCX", |look| look.office(&WORD)),
    kind("XLS", |look| look.old_office(&EXCEL)),
    kind("XLSX", |look| look.office(&EXCEL)),
    kind("PPT", |look| look.old_office(&POWERPOINT)),
    kind("PPTX", |look| look.office(&POWERPOINT)),
    kind("KEY", |look| look.zip("application/vnd.apple.keynote")),
    kind("KEYNOTE", |look| look.zip("application/vnd.apple.keynote")),
    kind("PAGES", |look| look.zip("application/vnd.apple.pages")),
    kind("NUMBERS", |look| look.zip("application/vnd.apple.numbers")),
];

const fn kind(ending: &'static str, fits: fn(&Look<'_>) -> Option<&'static str>) -> Kind {
    Kind { ending, fits }
}

const WORD: Office = Office {
    old: "application/msword",
    new: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    // Rich text, which Word saves under .doc as well.
    older: &[br"{\rtf"],
};
const EXCEL: Office = Office {
    old: "application/vnd.ms-excel",
    new: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    // Sheets of Excel 2 to 4, which had no container.
    older: &[&[9, 0, 4, 0], &[9, 2, 6, 0], &[9, 4, 6, 0]],
};
const POWERPOINT: Office = Office {
    old: "application/vnd.ms-powerpoint",
    new: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    older: &[],
};
