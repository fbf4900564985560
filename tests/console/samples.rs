//! Small files of many kinds.

use std::io::Write as _;

use flate2::{Compression, Crc, write::ZlibEncoder};
use sha2::{Digest, Sha256};

pub const PDF: &str = "%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n";
/// The beginning of a program for Windows.
pub const PROGRAM: &[u8] =
    b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0@\0\0\0\0\0\0\0\0\0\0\0";
/// A drawing that tries to run code, in each of the ways there are.
pub const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48" onload="top.hacked = 1">
    <script>top.hacked = 1; window.opener.hacked = 1; document.cookie = 'hacked=1'</script>
    <rect width="64" height="48" fill="green"/><a href="javascript:top.hacked = 1"><circle r="9"/></a>
    <foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="javascript:top.hacked = 1"/></foreignObject>
</svg>"#;

/// A picture of one colour.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let line = [&[0][..], &[60, 120, 200].repeat(width as usize)].concat();
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::fast());
    pixels.write_all(&line.repeat(height as usize)).unwrap();
    for (kind, data) in [(b"IHDR", head), (b"IDAT", pixels.finish().unwrap()), (b"IEND", Vec::new())] {
        let chunk = [&kind[..], &data].concat();
        let mut sum = Crc::new();
        sum.update(&chunk);
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        file.extend(chunk);
        file.extend(sum.sum().to_be_bytes());
    }
    file
}

/// A second of silence.
pub fn wav() -> Vec<u8> {
    const RATE: u32 = 8_000;
    let data = RATE * 2;
    let parts: [&[u8]; 13] = [
        b"RIFF",
        &(data + 36).to_le_bytes(),
        b"WAVEfmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &RATE.to_le_bytes(),
        &(RATE * 2).to_le_bytes(),
        &2_u16.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &data.to_le_bytes(),
        &vec![0; data as usize],
    ];
    parts.concat()
}

/// A text of so many bytes.
pub fn log(size: usize) -> Vec<u8> {
    b"2026-11-21T14:32:07Z all quiet, nothing to report\n".iter().copied().cycle().take(size).collect()
}

/// 64 hex digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
