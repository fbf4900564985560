//! Ids as segments of a path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what RFC 3986 calls unreserved.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `/prefix/one/two`.
pub(super) fn path<const N: usize>(prefix: &str, ids: [&str; N]) -> String {
    ids.iter().fold(prefix.to_owned(), |path, id| format!("{path}/{}", utf8_percent_encode(id, &RESERVED)))
}
