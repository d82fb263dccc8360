//! The page that lists all operators, made from the operators themselves.

use crate::costs::Costs;
use crate::operators::{Form, Group, Operator, module_text};

/// Where the page stands in the repository.
pub(crate) const PATH: &str = "docs/src/filters.md";

const HEAD: &str =
    "<!-- Made by `cargo xtask book` from the documentation of the operators. Change it there. -->

# All operators

One line on each. *Sends* is the type of what comes out, where `T` is that of the events that come in; `T::With<U>` is `U`, or of
sensor events a sensor event with the same id and time. *Holds* says what an operator keeps in memory between two events.
*Costs* is what it adds to an event, in instructions: on x86_64, and behind the slash on a Cortex-M4 where it works without an allocator.
What a function of yours does is not in it, nor what follows; an operator that the compiler makes one with its neighbours costs 0, and so
does one that sends less than it takes. *Bytes* are what it holds once it is warm, in place and `+` on the heap, with `n` = 10,
integers of 4 bytes, floats of 8 and, on the Cortex-M4, of 4. How both are measured: [benches](../../benches/README.md#what-an-operator-costs).
*Options* are methods of its type, which is given to `pipe`: `pipe(Hysteresis::new(19.0, 21.0).initially(true))`. *Also known as*
gives the names that other libraries use. *Needs* names the cargo feature without which a call does not exist; where it is empty,
it works without std and without an allocator. Sources and sinks come last.
";

/// The whole page.
pub(crate) fn page(groups: &[Group<'_>], costs: &Costs) -> String {
    let sections = groups.iter().map(|group| section(group, costs));
    [HEAD.to_string()].into_iter().chain(sections).collect()
}

fn section(group: &Group<'_>, costs: &Costs) -> String {
    let about = plain(&module_text(&group.contents.text));
    let rows: String = group.operators.iter().map(|operator| rows(operator, costs)).collect();
    let title = title(group.name);
    format!(
        "\n## {title}\n\n{about}\n\n| operator | what it does | sends | holds | costs | bytes | options | also known as | needs |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n{rows}"
    )
}

fn rows(operator: &Operator<'_>, costs: &Costs) -> String {
    operator.forms.iter().map(|form| row(operator, form, costs)).collect()
}

fn row(operator: &Operator<'_>, form: &Form, costs: &Costs) -> String {
    let [cost, bytes] = costs.said(form);
    let needs = listed(form.feature.as_slice());
    let said = [&operator.summary, &operator.sends, &operator.holds, &operator.options].map(|text| plain(text));
    let [summary, sends, holds, options] = said;
    let summary = title(&summary);
    let cells = [listed(&form.calls), summary, sends, holds, cost, bytes, options, listed(&form.aliases), needs];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} |\n", cells.join(" | "))
}

/// The words as code, with commas between.
fn listed(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// With a capital at its beginning.
fn title(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Text without rustdoc's links: of ``[`take`](super::take)`` the code between the brackets stays.
fn plain(text: &str) -> String {
    let mut parts = text.split("[`");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (code, rest) = part.split_once("`]").unwrap_or((part, ""));
        let rest = rest.strip_prefix('(').and_then(|target| target.split_once(')')).map_or(rest, |(_, rest)| rest);
        out += &format!("`{code}`{rest}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators;
    use crate::tree::Tree;

    #[test]
    fn a_page_from_source() {
        let tree = Tree::of(&[
            (
                "thingflow-core/src/elementwise/map.rs",
                "//! `map(|x| y)`: sends what `f` makes; see [`take`](super::take).\n//!\n//! Holds nothing.\n\
                 impl Map {\n    #[must_use]\n    pub fn twice(self) -> Self {\n}\n    type Out = Vec<T>;\n",
            ),
            (
                "thingflow-core/src/elementwise/mod.rs",
                "//! One event at a time, on a [`Chain`].\n#[cfg(feature = \"alloc\")]\nmod map;\n\
                 trait Filters {\n    #[doc(alias = \"select\")]\n    fn map(self) {}\n}\n",
            ),
            (crate::costs::PATH, "operator\nmap,9,8,0,12,4\n"),
        ]);
        let page = page(&operators::read(&tree), &Costs::of(&tree));
        let expected = "\n## Elementwise\n\nOne event at a time, on a `Chain`.\n\n\
                        | operator | what it does | sends | holds | costs | bytes | options | also known as | needs |\n\
                        | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n\
                        | `map(\\|x\\| y)` | Sends what `f` makes; see `take`. | `Vec<T>` | nothing | 9 / 12 | 8 / 4 | `twice` | `select` | `alloc` |\n";
        assert_eq!(page.strip_prefix(HEAD), Some(expected));
    }

    #[test]
    fn links_become_plain_code() {
        assert_eq!(plain("a [`b`] c [`d`](e::f) (g)"), "a `b` c `d` (g)");
        assert_eq!(plain("nothing here"), "nothing here");
    }
}
