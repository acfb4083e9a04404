//! That `docs/traps.md` is whole, and names only tests that are there.

use std::path::{Path, PathBuf};

const TRAPS: usize = 31;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cells of each row.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| # "));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What stands in backquotes and is a path of modules.
fn tests_in(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).filter(|word| word.contains("::")).collect()
}

/// Where such a module may be: a file of its own, a folder's, or at the end of its parent's.
fn files_of(module: &str) -> Vec<PathBuf> {
    let path = module.replace("::", "/");
    let parent = path.strip_suffix("/tests").unwrap_or(&path).to_owned();
    let names = [&path, &parent].map(|it| [format!("{it}.rs"), format!("{it}/mod.rs")]).concat();
    let folders = ["src", "tests/it"].map(|folder| root().join(folder));
    folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).collect()
}

fn exists(test: &str) -> bool {
    let Some((module, function)) = test.rsplit_once("::") else { return false };
    let declaration = format!("fn {function}()");
    let texts = files_of(module).into_iter().filter_map(|file| std::fs::read_to_string(file).ok());
    texts.into_iter().any(|text| text.contains(&declaration))
}

#[test]
fn every_trap_has_its_row_and_the_tests_that_it_names_are_there() {
    let page = std::fs::read_to_string(root().join("docs/traps.md")).unwrap();
    let rows = rows(&page);
    let numbers: Vec<String> = rows.iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(numbers, (1..=TRAPS).map(|number| number.to_string()).collect::<Vec<_>>());
    for row in rows {
        assert!(row.len() == 4 && row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        let missing: Vec<&str> = tests_in(row[3]).into_iter().filter(|test| !exists(test)).collect();
        assert!(missing.is_empty(), "row {}: there is no {missing:?}", row[0]);
    }
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    assert!(exists("docs::a_test_that_is_not_there_is_noticed"));
    assert!(!exists("docs::a_test_that_nobody_has_written"));
    assert!(!exists("flows::a_test_that_is_not_there_is_noticed"));
}
