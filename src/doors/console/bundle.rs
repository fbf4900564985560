//! The console as browsers load it: its modules joined to one script and its style sheets to one, each under a name that
//! changes with its content, so that a browser keeps it for good. Over a slow line it is the number of files that costs.
//!
//! The modules stay what they are, and are joined by rules as simple as they: each becomes a function that is called once,
//! behind those that it imports. A page that is loaded on demand is joined by itself, with what it imports. Two small scripts
//! stand in the page itself. Lines that are comments are left out: they are a quarter of what a browser would load.
//! What these rules don't know is an error, which a test finds before anybody else.

use std::{borrow::Cow, collections::BTreeSet, fmt::Write as _, sync::OnceLock};

use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::{
    CONTENT_SECURITY_POLICY, Files, Hash, PAGE, Part, SHEETS, digest, languages, languages::Languages,
};

const ENTRY: &str = "main.js";
/// The page that is loaded on demand: its entry, and what that exports.
const REPORTS: (&str, &str) = ("reports.js", "hide, load, show");
/// Scripts that stand in the page itself: they must not wait for anything.
const INLINE: [&str; 2] = ["early-calls.js", "early.js"];
/// How much of a digest is in a name: two versions hardly ever share it.
const DIGITS: usize = 16;

/// The page and what it loads.
pub struct Bundle {
    languages: Languages,
    /// The page in each of them.
    pages: Vec<Part>,
    /// Of all pages: it allows the scripts in them, by what they are.
    policy: HeaderValue,
    parts: Vec<NamedPart>,
}

/// A file whose name says what is in it: `stem-digest.kind`.
struct NamedPart {
    stem: Cow<'static, str>,
    kind: &'static str,
    digits: String,
    part: Part,
}

/// What a name of the bundle stands for.
pub struct Found {
    /// The file.
    pub part: &'static Part,
    /// It is of the very version that was asked for, and never changes.
    pub is_exact: bool,
}

impl Bundle {
    /// That of the embedded files, made once. `None` if they can't be joined: then they are served as they are.
    pub fn embedded() -> Option<&'static Self> {
        static BUNDLE: OnceLock<Option<Bundle>> = OnceLock::new();
        let make = || {
            let names: Vec<_> = Files::iter().collect();
            let languages = Languages::among(names.iter().map(|name| &**name));
            let text = |name: &str| String::from_utf8(Part::embedded(name)?.data.into()).ok();
            Self::of(languages, text)
                .inspect_err(|error| tracing::error!(error, "the console's files are not joined"))
                .ok()
        };
        BUNDLE.get_or_init(make).as_ref()
    }

    fn of(languages: Languages, text: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let file = |name: &str| text(name).ok_or_else(|| format!("there is no {name}"));
        let sheets: Result<Vec<_>, _> = SHEETS.into_iter().map(file).collect();
        let (reports, exports) = REPORTS;
        let reports =
            join(&file, reports)? + &format!("export const {{ {exports} }} = {};\n", variable(reports));
        // Each before those that name it.
        let loaded = [
            ("/console/reports.css", "reports", "css", file("reports.css")?),
            ("/console/reports.js", "reports", "js", reports),
            ("/console/main.js", "app", "js", join(&file, ENTRY)?),
            ("/console/style.css", "style", "css", sheets?.concat()),
            ("/console/icon.svg", "icon", "svg", file("icon.svg")?),
        ];
        let mut page: String = file(PAGE)?
            .lines()
            .filter(|line| !line.contains("\"modulepreload\""))
            .fold(String::new(), |page, line| page + line + "\n");
        let mut parts = Vec::with_capacity(loaded.len());
        let mut named = Vec::<(&str, String)>::new();
        for (plain, stem, kind, text) in loaded {
            let text = named.iter().fold(text, |text, (plain, name)| text.replace(plain, name));
            let part = Part::from(text.into_bytes());
            let digits = digits(&part.hash);
            let name = format!("/console/{stem}-{digits}.{kind}");
            page = page.replace(plain, &name);
            named.push((plain, name));
            parts.push(NamedPart { stem: stem.into(), kind, digits, part });
        }
        let mut policy = CONTENT_SECURITY_POLICY.to_owned();
        for name in INLINE {
            let script = without_comments(&file(name)?)?;
            page = with_script(&page, name, &script)?;
            let allowed = format!("script-src 'self' 'sha256-{}'", STANDARD.encode(Sha256::digest(script)));
            policy = policy.replace("script-src 'self'", &allowed);
        }
        let policy = HeaderValue::from_str(&policy).map_err(|error| error.to_string())?;
        let mut pages = Vec::with_capacity(languages.tags().len());
        for tag in languages.tags() {
            let plain = languages::file(tag);
            let stem = plain.trim_end_matches(".js").to_owned();
            let part = Part::from(file(&plain)?.into_bytes());
            let digits = digits(&part.hash);
            let page = languages.page(&page, tag).replace(&plain, &format!("{stem}-{digits}.js"));
            pages.push(Part::from(page.into_bytes()));
            parts.push(NamedPart { stem: stem.into(), kind: "js", digits, part });
        }
        Ok(Self { languages, pages, policy, parts })
    }

    /// The page for a request, and its language. `None` if there are no languages.
    pub fn page(&self, headers: &HeaderMap) -> Option<(&Part, &str)> {
        let wanted = self.languages.wanted(headers);
        let place = self.languages.tags().iter().position(|tag| tag == wanted)?;
        Some((self.pages.get(place)?, wanted))
    }

    /// The Content-Security-Policy of all pages.
    pub const fn policy(&self) -> &HeaderValue {
        &self.policy
    }

    /// A file of the page. Another version stands for one that was asked for and isn't here: while relays are replaced one
    /// by one, the page may come from one and its files from another.
    pub fn find(&'static self, name: &str) -> Option<Found> {
        self.parts.iter().find_map(|NamedPart { stem, kind, digits, part }| {
            let asked =
                name.strip_prefix(&**stem)?.strip_prefix('-')?.strip_suffix(kind)?.strip_suffix('.')?;
            let is_digest = asked.len() == DIGITS && asked.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_digest.then(|| Found { part, is_exact: asked == digits })
        })
    }
}

/// The page with a script in the place where it names it.
fn with_script(page: &str, name: &str, script: &str) -> Result<String, String> {
    let place = format!("<script src=\"/console/{name}\"></script>");
    // Browsers take them for the script's end, and for a comment.
    if script.contains("</") || script.contains("<!--") || page.matches(&place).count() != 1 {
        return Err(format!("{name} can't stand in the page"));
    }
    Ok(page.replace(&place, &format!("<script>{script}</script>")))
}

fn digits(hash: &Hash) -> String {
    let mut digits = digest(hash);
    digits.truncate(DIGITS);
    digits
}

/// All modules that an entry needs as one script.
fn join(file: &impl Fn(&str) -> Result<String, String>, entry: &str) -> Result<String, String> {
    let mut joined = Joined { file, script: String::new(), done: BTreeSet::new(), open: Vec::new() };
    joined.add(entry)?;
    Ok(joined.script)
}

struct Joined<'a, F> {
    file: &'a F,
    script: String,
    done: BTreeSet<String>,
    /// Those that wait for what they import.
    open: Vec<String>,
}

impl<F: Fn(&str) -> Result<String, String>> Joined<'_, F> {
    fn add(&mut self, name: &str) -> Result<(), String> {
        if self.done.contains(name) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == name) {
            return Err(format!("{name} imports itself"));
        }
        self.open.push(name.to_owned());
        let text = (self.file)(name)?;
        let module = Module::read(&text).map_err(|error| format!("{name}: {error}"))?;
        for (_, imported) in &module.imports {
            self.add(imported)?;
        }
        self.open.pop();
        module.write(name, &mut self.script);
        self.done.insert(name.to_owned());
        Ok(())
    }
}

#[derive(Default)]
struct Module {
    /// What each import gives a name to, and from where.
    imports: Vec<(String, String)>,
    exports: Vec<String>,
    body: String,
}

impl Module {
    fn read(text: &str) -> Result<Self, String> {
        let mut module = Self::default();
        let code = without_comments(text)?;
        let mut rest = code.as_str();
        while !rest.is_empty() {
            if rest.starts_with("import ") {
                let end = rest.find(";\n").ok_or("an import has no end")?;
                module.imports.push(import(&rest[..end])?);
                rest = &rest[end + ";\n".len()..];
                continue;
            }
            let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let line = &rest[..end];
            match line.strip_prefix("export ") {
                Some(declaration) => {
                    module.exports.push(declared(declaration)?);
                    module.body.push_str(declaration);
                }
                None => module.body.push_str(line),
            }
            rest = &rest[end..];
        }
        Ok(module)
    }

    fn write(&self, name: &str, script: &mut String) {
        // Writing to memory doesn't fail.
        let _ = writeln!(script, "const {} = (() => {{", variable(name));
        for (names, from) in &self.imports {
            let _ = writeln!(script, "const {names} = {};", variable(from));
        }
        script.push_str(&self.body);
        let _ = writeln!(script, "return {{ {} }};\n}})();", self.exports.join(", "));
    }
}

/// The lines that are no comments. A comment has lines of its own, and no text goes over several lines.
fn without_comments(text: &str) -> Result<String, String> {
    let (mut code, mut is_comment) = (String::with_capacity(text.len()), false);
    for line in text.lines() {
        let words = line.trim();
        let begins = words.starts_with("/**");
        if !is_comment && !begins && !words.starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
        is_comment = (is_comment || begins) && !words.ends_with("*/");
    }
    if is_comment { Err("a comment has no end".to_owned()) } else { Ok(code) }
}

/// The variable for what a module exports.
fn variable(name: &str) -> String {
    let stem = name.trim_end_matches(".js");
    format!("${}", stem.replace('-', "_"))
}

/// `import { a, b as c } from "./x.js"` gives `{ a, b: c }` and `x.js`; `import * as x` gives `x`.
fn import(statement: &str) -> Result<(String, String), String> {
    let unknown = || format!("`{statement}` can't be joined");
    let (names, from) =
        statement.strip_prefix("import ").and_then(|rest| rest.split_once(" from ")).ok_or_else(unknown)?;
    let from = from.trim().trim_matches('"').strip_prefix("./").ok_or_else(unknown)?;
    let names = match names.strip_prefix("* as ") {
        Some(name) => name.to_owned(),
        None if names.starts_with('{') && names.ends_with('}') => names.replace(" as ", ": "),
        None => return Err(unknown()),
    };
    Ok((names, from.to_owned()))
}

/// The name that an export declares. What may get another value later has no place in the object of exports.
fn declared(declaration: &str) -> Result<String, String> {
    let kinds = ["async function* ", "async function ", "function* ", "function ", "class ", "const "];
    let rest = kinds.into_iter().find_map(|kind| declaration.strip_prefix(kind));
    let name = |rest: &str| {
        let is_part = |c: &char| c.is_alphanumeric() || *c == '_' || *c == '$';
        Some(rest.chars().take_while(is_part).collect::<String>()).filter(|name| !name.is_empty())
    };
    rest.and_then(name).ok_or_else(|| format!("`export {}` can't be joined", declaration.trim_end()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn joined(files: &[(&str, &str)]) -> Result<String, String> {
        let file = |name: &str| {
            let found = files.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| format!("there is no {name}"))
        };
        join(&file, ENTRY)
    }

    #[test]
    fn modules_become_functions_behind_what_they_import() {
        let files = [
            (
                "main.js",
                "// The start.\n/**\n * Of all.\n */\nimport * as b from \"./b.js\";\nimport {\n  one,\n  two as too,\n} from \"./c-d.js\";\n\nb.run(one, too);\n",
            ),
            (
                "b.js",
                "import { one } from \"./c-d.js\";\n/** Runs. */\nexport const run = (x) =>\n  // So.\n  one + x; // `//`\n",
            ),
            ("c-d.js", "export class one {}\nexport async function two() {}\n"),
        ];
        let script = joined(&files).unwrap();
        let wanted = "const $c_d = (() => {\nclass one {}\nasync function two() {}\nreturn { one, two };\n})();\n\
            const $b = (() => {\nconst { one } = $c_d;\nconst run = (x) =>\n  one + x; // `//`\nreturn { run };\n})();\n\
            const $main = (() => {\nconst b = $b;\nconst {\n  one,\n  two: too,\n} = $c_d;\n\nb.run(one, too);\nreturn {  };\n})();\n";
        assert_eq!(script, wanted);
    }

    #[test]
    fn what_the_rules_do_not_know_is_an_error() {
        for (text, wanted) in [
            ("export let a = 1;\n", "main.js: `export let a = 1;` can't be joined"),
            ("export default 1;\n", "main.js: `export default 1;` can't be joined"),
            ("export { a };\n", "main.js: `export { a };` can't be joined"),
            ("import a from \"./b.js\";\n", "main.js: `import a from \"./b.js\"` can't be joined"),
            ("import \"./b.js\";\n", "main.js: `import \"./b.js\"` can't be joined"),
            ("import { a } from \"lib\";\n", "main.js: `import { a } from \"lib\"` can't be joined"),
            ("import { a } from \"./none.js\";\n", "there is no none.js"),
            ("import { a } from \"./main.js\";\n", "main.js imports itself"),
            ("/** For ever.\n", "main.js: a comment has no end"),
        ] {
            assert_eq!(joined(&[("main.js", text)]).unwrap_err(), wanted);
        }
    }

    #[test]
    fn what_would_end_a_script_can_not_stand_in_the_page() {
        let page = "<script src=\"/console/a.js\"></script>";
        assert_eq!(with_script(page, "a.js", "b();\n").unwrap(), "<script>b();\n</script>");
        for (page, script) in
            [(page, "'</script>'"), (page, "'<!--'"), ("", "b()"), (&*page.repeat(2), "b()")]
        {
            assert_eq!(with_script(page, "a.js", script).unwrap_err(), "a.js can't stand in the page");
        }
    }

    #[test]
    fn the_consoles_own_files_are_joined() {
        let bundle = Bundle::embedded().unwrap();
        let pages: Vec<&str> =
            bundle.pages.iter().map(|page| std::str::from_utf8(&page.data).unwrap()).collect();
        for NamedPart { stem, kind, digits, part } in &bundle.parts {
            let name = format!("{stem}-{digits}.{kind}");
            let is_named = |text: &str| text.contains(&format!("\"/console/{name}\""));
            let is_on_demand = stem == "reports";
            // A page has one language.
            let in_pages = if stem.starts_with("language") { 1 } else { pages.len() };
            let wanted = if is_on_demand { 0 } else { in_pages };
            assert_eq!(pages.iter().filter(|page| is_named(page)).count(), wanted, "{name}");
            let scripts = bundle.parts.iter().map(|other| std::str::from_utf8(&other.part.data).unwrap());
            assert_eq!(
                scripts.filter(|script| is_named(script)).count(),
                usize::from(is_on_demand),
                "{name}"
            );
            let found = bundle.find(&name).unwrap();
            assert!(found.is_exact && found.part.hash == part.hash, "{name}");
            let other = bundle.find(&format!("{stem}-0123456789abcdef.{kind}")).unwrap();
            assert!(!other.is_exact && other.part.hash == part.hash, "{name}");
        }
        for page in pages {
            assert_eq!(page.matches("/console/").count(), 5, "nothing is loaded besides: {page}");
        }
        for name in ["app.js", "app-.js", "app-0123456789abcdeg.js", "app-0123456789abcdef.css", "main.js"] {
            assert!(bundle.find(name).is_none(), "{name}");
        }
        // What is joined waits for nothing while it loads.
        let script = &bundle.parts.iter().find(|part| part.stem == "app").unwrap().part.data;
        assert!(!std::str::from_utf8(script).unwrap().lines().any(|line| line.starts_with("await ")));
    }
}
