//! What a file's content is, by its first bytes.
//!
//! Tells families apart, no more: a file that is broken behind its beginning is Ada's to judge.

use crate::files::SpooledFile;

const WAV: &str = "audio/wav";
const MP3: &str = "audio/mpeg";
const MPEG: &str = "video/mpeg";

/// Programs of Windows, Linux, macOS (and Java), Android and the web, scripts, and Windows' links to programs.
const PROGRAMS: [&[u8]; 12] = [
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
    b"dex\n",
    b"\0asm",
    b"#!",
    b"L\0\0\0\x01\x14\x02\0",
];
const CONTAINER: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// Readers look for a PDF's beginning so far.
const PDF_WITHIN: usize = 1024;
/// Marks that say how the text behind them is encoded; in these, texts have zero bytes.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The types of one office program's documents.
pub(super) struct Office {
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    /// How documents begin that are older than the old ones.
    pub(super) older: &'static [&'static [u8]],
}

/// A look at a file.
pub(super) struct Look<'a> {
    head: &'a [u8],
    /// There is a byte in it somewhere that texts don't have.
    controls: bool,
}

impl<'a> Look<'a> {
    pub(super) fn at(file: &'a SpooledFile) -> Self {
        Self { head: file.head(), controls: file.has_control_characters() }
    }

    pub(super) fn is_program(&self) -> bool {
        PROGRAMS.iter().any(|magic| self.head.starts_with(magic))
    }

    /// The usual ending of such files, in lower case.
    pub(super) fn looks_like(&self) -> Option<&'static str> {
        infer::get(self.head).map(|found| found.extension())
    }

    pub(super) fn text(&self, mime_type: &'static str) -> Option<&'static str> {
        // No program is without control characters, so that a text may begin with MZ; a script is one.
        let script = self.head.starts_with(b"#!");
        (self.is_text() && !script).then_some(mime_type)
    }

    fn is_text(&self) -> bool {
        !self.controls || UTF_16.iter().any(|mark| self.head.starts_with(mark))
    }

    pub(super) fn svg(&self) -> Option<&'static str> {
        (self.is_text() && svg::is_svg(&decoded(self.head))).then_some("image/svg+xml")
    }

    pub(super) fn picture(&self) -> Option<&'static str> {
        match self.head {
            [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
            [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
            _ => iso::picture(self.head),
        }
    }

    pub(super) fn sound(&self) -> Option<&'static str> {
        match self.head {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..]
            | [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(WAV),
            head if is_mp3(head) => Some(MP3),
            head if iso::is_film(head) => Some("audio/mp4"),
            _ => None,
        }
    }

    /// `iso`: the type of a film in the container that MP4 and QuickTime share.
    pub(super) fn film(&self, iso: &'static str) -> Option<&'static str> {
        if iso::is_film(self.head) {
            return Some(iso);
        }
        is_mpeg(self.head).then_some(MPEG)
    }

    pub(super) fn zip(&self, mime_type: &'static str) -> Option<&'static str> {
        // With a file, without one, in several pieces.
        [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"]
            .iter()
            .any(|magic| self.head.starts_with(*magic))
            .then_some(mime_type)
    }

    pub(super) fn pdf(&self) -> Option<&'static str> {
        let within = &self.head[..self.head.len().min(PDF_WITHIN)];
        let found = !self.is_program() && within.windows(5).any(|window| window == b"%PDF-");
        found.then_some("application/pdf")
    }

    pub(super) fn office(&self, office: &Office) -> Option<&'static str> {
        // One with a password is in the old container.
        if self.head.starts_with(CONTAINER) { Some(office.new) } else { self.zip(office.new) }
    }

    pub(super) fn old_office(&self, office: &Office) -> Option<&'static str> {
        let old = self.head.starts_with(CONTAINER) || office.older.iter().any(|m| self.head.starts_with(m));
        if old { Some(office.old) } else { self.zip(office.new) }
    }
}

/// A tag, or a frame of sound, perhaps behind some silence.
fn is_mp3(head: &[u8]) -> bool {
    if head.starts_with(b"ID3") {
        return true;
    }
    let silence = head.iter().take_while(|byte| **byte == 0).count();
    let [0xff, kind, rate, ..] = &head[silence..] else { return false };
    // Eleven bits of synchronization; then none of the values that are reserved for version, layer and rates.
    kind & 0xe0 == 0xe0
        && kind & 0x18 != 0x08
        && kind & 0x06 != 0
        && rate & 0xf0 != 0xf0
        && rate & 0x0c != 0x0c
}

/// A start code of a stream, or packets of one that is broadcast (188 bytes each, on disks with 4 more).
fn is_mpeg(head: &[u8]) -> bool {
    let zeros = head.iter().take_while(|byte| **byte == 0).count();
    if zeros >= 2 {
        return matches!(&head[zeros..], [1, 0xb0..=0xbf, ..]);
    }
    let packets = |first: usize, length: usize| {
        let mut sync = head.iter().skip(first).step_by(length).take(3);
        head.len() > first + length && sync.all(|byte| *byte == 0x47)
    };
    packets(0, 188) || packets(4, 192)
}

/// As much of the text as was seen; what can't be decoded is replaced.
fn decoded(head: &[u8]) -> String {
    let units =
        |read: fn([u8; 2]) -> u16| head.as_chunks().0.iter().map(|pair| read(*pair)).collect::<Vec<u16>>();
    match head {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(head).into_owned(),
    }
}

mod iso {
    //! The container of MP4, QuickTime, HEIF and AVIF (ISO/IEC 14496-12): boxes with a length and a name. The first
    //! one says which brands of it the file is.

    const HEIC: [&[u8]; 8] = [b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"];
    const AVIF: [&[u8]; 2] = [b"avif", b"avis"];
    const HEIF: [&[u8]; 4] = [b"mif1", b"mif2", b"msf1", b"miaf"];
    /// First boxes of QuickTime films from before there were brands.
    const QUICKTIME: [&[u8]; 6] = [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];

    /// The type of a picture.
    pub(super) fn picture(head: &[u8]) -> Option<&'static str> {
        let brands = brands(head)?;
        if !is_picture(brands.first()?) {
            return None;
        }
        let one_of = |list: &[&[u8]]| brands.iter().any(|brand| list.contains(brand));
        Some(if one_of(&AVIF) {
            "image/avif"
        } else if one_of(&HEIC) {
            "image/heic"
        } else {
            "image/heif"
        })
    }

    /// Whether it is one with sound or moving pictures.
    pub(super) fn is_film(head: &[u8]) -> bool {
        match brands(head) {
            Some(brands) => brands.first().is_some_and(|brand| !is_picture(brand)),
            None => head.get(4..8).is_some_and(|name| QUICKTIME.contains(&name)),
        }
    }

    fn is_picture(brand: &[u8]) -> bool {
        HEIC.contains(&brand) || AVIF.contains(&brand) || HEIF.contains(&brand)
    }

    /// The major brand, then those it is compatible with.
    fn brands(head: &[u8]) -> Option<Vec<&[u8]>> {
        let (length, rest) = head.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let rest = rest.strip_prefix(b"ftyp")?;
        let all = &rest[..rest.len().min(length.saturating_sub(8))];
        // Behind the major brand stands its version.
        let compatible = all.get(8..).unwrap_or_default().chunks_exact(4);
        Some(all.get(..4).into_iter().chain(compatible).collect())
    }
}

mod svg {
    //! Whether a text is an SVG: whether its first element is one.

    /// A text whose beginning was all comments and declarations is given the benefit of the doubt if it is XML.
    pub(super) fn is_svg(text: &str) -> bool {
        let mut rest = text.trim_start_matches('\u{feff}').trim_start();
        loop {
            let behind = if rest.starts_with("<?") {
                rest.split_once("?>")
            } else if rest.starts_with("<!--") {
                rest.split_once("-->")
            } else if rest.starts_with("<!DOCTYPE") {
                behind_doctype(rest)
            } else {
                return is_svg_element(rest);
            };
            match behind {
                Some((_, next)) => rest = next.trim_start(),
                None => return text.contains("<?xml") || text.contains("<!DOCTYPE svg"),
            }
        }
    }

    /// A document type may hold declarations in brackets.
    fn behind_doctype(rest: &str) -> Option<(&str, &str)> {
        let (end, bracket) = (rest.find('>')?, rest.find('['));
        if bracket.is_none_or(|bracket| bracket > end) {
            return rest.split_once('>');
        }
        let (_, behind) = rest.split_once(']')?;
        behind.split_once('>')
    }

    fn is_svg_element(rest: &str) -> bool {
        let Some(rest) = rest.strip_prefix('<') else { return false };
        let name = rest.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
        name.rsplit(':').next() == Some("svg")
    }
}
