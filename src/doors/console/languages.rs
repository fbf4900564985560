//! The languages of the console's page: a file each, `language-<tag>.js`. The page names the file of one of them.
//!
//! The relay chooses it, by the list that the browser sends with each request: then the page loads its texts together with
//! all else. Whoever has chosen another one in the page has a cookie. To add a language: one file.

use axum::http::{HeaderMap, header};

/// For browsers that ask for none of them. The page is written for it.
const USUAL: &str = "en";
/// What the page sets; see `languages.js`.
const COOKIE: &str = "handoff-relay-language";
const ROOT: &str = "<html lang=\"en\" data-languages=\"en\">";

/// The name of a language's file.
pub fn file(tag: &str) -> String {
    format!("language-{tag}.js")
}

/// The tags of all languages that there are.
pub struct Languages(Vec<String>);

impl Languages {
    /// Those whose files are among these names.
    pub fn among<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let tag = |name: &'a str| name.strip_prefix("language-")?.strip_suffix(".js");
        let is_tag = |tag: &&str| (2..=3).contains(&tag.len()) && tag.bytes().all(|c| c.is_ascii_lowercase());
        let mut tags: Vec<String> =
            names.into_iter().filter_map(tag).filter(is_tag).map(str::to_owned).collect();
        tags.sort();
        Self(tags)
    }

    /// All tags, sorted.
    pub fn tags(&self) -> &[String] {
        &self.0
    }

    /// The language for a request: the one that the agent has chosen in the page, else the first that the browser wants.
    pub fn wanted(&self, headers: &HeaderMap) -> &str {
        let known = |tag: &str| self.0.iter().find(|known| known.eq_ignore_ascii_case(tag));
        chosen(headers)
            .and_then(known)
            .or_else(|| preferred(headers).into_iter().find_map(known))
            .map_or(USUAL, String::as_str)
    }

    /// The page in a language.
    pub fn page(&self, page: &str, tag: &str) -> String {
        let root = format!("<html lang=\"{tag}\" data-languages=\"{}\">", self.0.join(" "));
        page.replacen(ROOT, &root, 1).replace(&file(USUAL), &file(tag))
    }
}

fn chosen(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(|value| value.split(';')).filter_map(|one| one.trim().split_once('='));
    cookies.find(|(name, _)| *name == COOKIE).map(|(_, tag)| tag)
}

/// What `Accept-Language` asks for, the most wanted first and without regions: `de-AT` is `de`.
fn preferred(headers: &HeaderMap) -> Vec<&str> {
    let given = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut ranges: Vec<(&str, f32)> = given.flat_map(|value| value.split(',')).map(range).collect();
    ranges.retain(|(_, weight)| *weight > 0.0);
    ranges.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    ranges.into_iter().map(|(tag, _)| tag).collect()
}

fn range(text: &str) -> (&str, f32) {
    let (tag, weight) = text.split_once(';').unwrap_or((text, "q=1"));
    let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse().ok());
    (tag.trim().split('-').next().unwrap_or_default(), weight.unwrap_or(0.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asking(accept: &str, cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers
    }

    #[test]
    fn a_file_is_a_language() {
        let names = [
            "language-en.js",
            "language.js",
            "languages.js",
            "language-de.js",
            "language-..js",
            "language-DE.js",
        ];
        assert_eq!(Languages::among(names).tags(), ["de", "en"]);
    }

    #[test]
    fn the_first_that_exists_is_chosen() {
        let languages = Languages::among(["language-en.js", "language-de.js"]);
        for (accept, cookie, wanted) in [
            ("", "", "en"),
            ("de", "", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "", "de"),
            ("DE-at", "", "de"),
            ("fr-CH, fr;q=0.9, de;q=0.7, en;q=0.8", "", "en"),
            ("fr, de;q=0.7, *;q=0.5", "", "de"),
            ("de;q=0, en;q=0.1", "", "en"),
            ("de;q=x, fr", "", "en"),
            (";;,-,q=", "", "en"),
            ("en", "a=b; handoff-relay-language=de; c=d", "de"),
            ("de", "handoff-relay-language=fr", "de"),
            ("de", "handoff-relay-language=../x", "de"),
            ("de", "handoff-relay-language=en", "en"),
        ] {
            assert_eq!(languages.wanted(&asking(accept, cookie)), wanted, "{accept:?}, {cookie:?}");
        }
        assert_eq!(languages.wanted(&HeaderMap::new()), "en");
    }

    #[test]
    fn the_page_names_its_language_and_all_others() {
        let languages = Languages::among(["language-en.js", "language-de.js"]);
        let page =
            "<html lang=\"en\" data-languages=\"en\"><script src=\"/console/language-en.js\"></script>";
        let german =
            "<html lang=\"de\" data-languages=\"de en\"><script src=\"/console/language-de.js\"></script>";
        assert_eq!(languages.page(page, "de"), german);
    }
}
