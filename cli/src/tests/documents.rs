//! What documents say to type.

use clap::{Command, CommandFactory};

use crate::Cli;

const DOCUMENTS: [(&str, &str); 3] = [
    ("README.md", include_str!("../../../README.md")),
    ("docs/OPERATIONS.md", include_str!("../../../docs/OPERATIONS.md")),
    ("docs/JOBS.md", include_str!("../../../docs/JOBS.md")),
];

/// The words of a shell line up to its first command's end; what stands in single quotes is in one word.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    let ends = |word: &String| ["|", "||", "&&", ";", ">", "<"].contains(&word.as_str()) || word.starts_with('#');
    words.into_iter().filter(|word| !word.is_empty()).take_while(|word| !ends(word)).collect()
}

/// What is said to `tradeyard` by a line that runs it, perhaps by its path, by cargo or in a container.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = words(line.trim_start().trim_start_matches("$ "));
    let first = words.first()?;
    let runs = |word: &String| word == "tradeyard" || word.ends_with("/tradeyard");
    if runs(first) {
        return Some(words[1..].to_vec());
    }
    if !["cargo", "docker"].contains(&first.as_str()) {
        return None;
    }
    let rest = &words[words.iter().position(runs)? + 1..];
    Some(rest.iter().skip_while(|word| *word == "--").cloned().collect())
}

/// The commands in fenced code, and those in backticks, which may go on in the next line.
fn commands(text: &str) -> Vec<Vec<String>> {
    let (mut fenced, mut prose, mut inside) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            fenced.push(line);
        } else {
            prose += line;
            prose += "\n";
        }
    }
    // A backtick that is not closed ends with its paragraph.
    let quoted = prose.split("\n\n").flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    fenced.into_iter().chain(quoted).filter_map(arguments).collect()
}

/// What the command line does not know of these words. Values are not looked at: they may be placeholders.
fn fault(root: &Command, words: &[String]) -> Option<String> {
    let (mut command, mut values) = (root, 0);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(flag) = word.strip_prefix("--") {
            let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
            let known = command.get_arguments().find(|arg| {
                arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name))
            });
            let Some(known) = known else { return Some(format!("no --{name}")) };
            if known.get_action().takes_values() && value.is_none() && words.next().is_none() {
                return Some(format!("--{name} without a value"));
            }
        } else if command.has_subcommands() {
            // `COMMAND` stands for any of them.
            if word.chars().all(|c| c.is_ascii_uppercase()) {
                return None;
            }
            let Some(known) = command.find_subcommand(word) else { return Some(format!("no {word}")) };
            command = known;
        } else {
            values += 1;
        }
    }
    let most = command.get_positionals().map(|arg| arg.get_num_args().map_or(1, |range| range.max_values()));
    (values > most.fold(0, usize::saturating_add)).then(|| format!("{values} values"))
}

#[test]
fn documents_name_only_commands_and_flags_that_there_are() {
    let mut root = Cli::command();
    root.build();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (document, text) in DOCUMENTS {
        for words in commands(text) {
            seen += 1;
            wrong.extend(fault(&root, &words).map(|why| format!("{document}: tradeyard {}: {why}", words.join(" "))));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 80, "only {seen} commands were found");
}

#[test]
fn a_command_that_there_is_not_is_found_in_either_place() {
    let mut root = Cli::command();
    root.build();
    let faults = |text: &str| -> Vec<_> { commands(text).iter().filter_map(|words| fault(&root, words)).collect() };
    let right = "`tradeyard queues set QUEUE --limit N` and `tradeyard cargo\nreplay ID --message '{\"a\": 1}'`.\n\n```\n\
                 $ tradeyard jobs list --json   # --no-such\ncargo run -p tradeyard -- dev\nCREATE DATABASE tradeyard OWNER x\n```\n";
    assert_eq!(faults(right), Vec::<String>::new());
    assert_eq!(commands(right).len(), 4);
    for (wrong, why) in [
        ("`tradeyard queues stop emails`", "no stop"),
        ("`tradeyard jobs\nlist --all`", "no --all"),
        ("```\ntarget/debug/tradeyard jobs show 1 2\n```", "2 values"),
        ("`docker compose exec api tradeyard admins`", "no admins"),
        ("`tradeyard queues set emails --rate`", "--rate without a value"),
    ] {
        assert_eq!(faults(wrong), [why]);
    }
}
