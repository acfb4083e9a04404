//! Reads do-not-call lists in CSV, a line at a time, so that what is wrong with one line loses no other.
//!
//! Columns are `number`, `reason` and `expires_at`, in this order or as a first line names them; a single column is one of
//! numbers. Commas, semicolons or tabs between them. No field goes on over the end of its line.

use std::io::{self, BufRead};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::telephony::PhoneNumber;

/// The longest reason, in characters.
pub const REASON_MOST: usize = 500;

/// A line that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Not to be called.
    pub number: PhoneNumber,
    /// For people; may be empty.
    pub reason: String,
    /// Until when; for good if absent.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DoNotCallProblem)]
pub struct Problem {
    /// Which, counted from 1.
    pub line: u64,
    /// What is wrong with it, without repeating it.
    pub reason: String,
}

/// Where each column is.
#[derive(Debug, Clone, Copy)]
struct Columns {
    number: usize,
    reason: Option<usize>,
    expires_at: Option<usize>,
}

/// Reads line after line.
pub struct Reader<R> {
    source: R,
    line: u64,
    bytes: u64,
    format: Option<(u8, Columns)>,
}

impl<R: BufRead> Reader<R> {
    /// Of this text.
    pub fn new(source: R) -> Self {
        Self { source, line: 0, bytes: 0, format: None }
    }

    /// How many bytes have been read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line that says something; `None` at the end.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Result<Line, Problem>>> {
        loop {
            let mut text = Vec::new();
            let count = self.source.read_until(b'\n', &mut text)?;
            if count == 0 {
                return Ok(None);
            }
            self.bytes += u64::try_from(count).unwrap_or_default();
            self.line += 1;
            let text = text.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.line == 1).unwrap_or(&text);
            let text = text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let (delimiter, columns) = match self.format {
                Some(format) => format,
                None => {
                    let (format, is_header) = format_of(text);
                    self.format = Some(format);
                    if is_header {
                        continue;
                    }
                    format
                }
            };
            let read = read(&cells(text, delimiter), columns);
            return Ok(Some(read.map_err(|reason| Problem { line: self.line, reason })));
        }
    }
}

/// How the lines are laid out, as the first says, and whether it names the columns.
fn format_of(first: &[u8]) -> ((u8, Columns), bool) {
    let delimiter = [b',', b';', b'\t'].into_iter().find(|byte| first.contains(byte)).unwrap_or(b',');
    let names: Vec<String> = cells(first, delimiter)
        .iter()
        .map(|cell| cell.trim().to_lowercase().replace([' ', '-'], "_"))
        .collect();
    let find = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
    match find(&["number", "phone", "phone_number", "telephone", "e164"]) {
        Some(number) => {
            let reason = find(&["reason", "note", "comment"]);
            let columns = Columns { number, reason, expires_at: find(&["expires_at", "expires", "until"]) };
            ((delimiter, columns), true)
        }
        None => ((delimiter, Columns { number: 0, reason: Some(1), expires_at: Some(2) }), false),
    }
}

fn cells(line: &[u8], delimiter: u8) -> Vec<String> {
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
    if !line.contains(&b'"') {
        return line.split(|byte| *byte == delimiter).map(text).collect();
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(line);
    let record = reader.byte_records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(text).collect()
}

fn read(cells: &[String], columns: Columns) -> Result<Line, String> {
    let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim());
    let reason = cell(columns.reason).to_owned();
    if reason.chars().count() > REASON_MOST || reason.contains('\0') {
        return Err(format!("a reason has at most {REASON_MOST} characters, and no NUL"));
    }
    Ok(Line {
        number: number(cell(Some(columns.number)))?,
        reason,
        expires_at: expiry(cell(columns.expires_at))?,
    })
}

/// E.164, with whatever people put between the digits.
fn number(text: &str) -> Result<PhoneNumber, String> {
    let is_between = |letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | '-' | '.' | '/');
    let plain: String = text.chars().filter(|letter| !is_between(*letter)).collect();
    plain.parse().map_err(|error: crate::telephony::InvalidValue| error.to_string())
}

/// Empty, a moment in RFC 3339, or a day, which begins at midnight UTC.
fn expiry(text: &str) -> Result<Option<DateTime<Utc>>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let moment = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let day = || text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let read = moment.or_else(|_| day());
    read.map(Some).map_err(|_| "expected expires_at as 2026-12-31 or 2026-12-31T12:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What was read, as `number reason expiry` or `line: problem`.
    fn all(text: &[u8]) -> Vec<String> {
        let mut reader = Reader::new(text);
        let mut found = vec![];
        while let Some(line) = reader.next_line().unwrap() {
            found.push(match line {
                Ok(Line { number, reason, expires_at }) => {
                    let until = expires_at.map(|at| at.to_rfc3339()).unwrap_or_default();
                    format!("{number} {reason} {until}").trim_end().to_owned()
                }
                Err(Problem { line, reason }) => format!("{line}: {reason}"),
            });
        }
        assert_eq!(reader.bytes(), text.len() as u64);
        found
    }

    #[test]
    fn a_list_is_read_with_a_header_or_without_in_any_of_the_usual_forms() {
        let two = ["+15550100199 asked us", "+15550100198"];
        for text in [
            "number,reason\n+15550100199,asked us\n+15550100198,\n",
            "+15550100199,asked us\r\n\r\n+15550100198",
            "\u{feff}Reason;Phone Number\nasked us;+1 (555) 010-0199\n;+1.555.010.0198\n",
            "phone\treason\n+15550100199\t\"asked us\"\n+15550100198\n",
        ] {
            assert_eq!(all(text.as_bytes()), two, "{text}");
        }
        assert_eq!(all(b"+15550100199\n+15550100198"), ["+15550100199", "+15550100198"]);
        assert_eq!(all(b""), Vec::<String>::new());
        let dated = "number,reason,expires_at\n+15550100199,\"a, b\",2026-12-31\n+15550100198,,2026-12-31T12:00:00+01:00\n";
        let expected =
            ["+15550100199 a, b 2026-12-31T00:00:00+00:00", "+15550100198  2026-12-31T11:00:00+00:00"];
        assert_eq!(all(dated.as_bytes()), expected);
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_line_and_loses_no_other() {
        let text = b"number,reason,expires_at\n555 0199\n+15550100199,\"open\n+15550100198,x,soon\n\xff\xfe\n\n+15550100197\n\"+15550100196\n";
        let found = all(text);
        assert_eq!(found[0], "2: expected a phone number in E.164, such as +15550100123");
        assert_eq!(found[1], "+15550100199 open");
        assert_eq!(found[2], "4: expected expires_at as 2026-12-31 or 2026-12-31T12:00:00Z");
        assert!(found[3].starts_with("5: "), "{found:?}");
        assert_eq!(found[4..], ["+15550100197", "+15550100196"]);
    }

    proptest! {
        #[test]
        fn a_good_line_is_read_whatever_stands_before_and_after_it(
            before in "[^\n]{0,40}", after in "[^\n]{0,40}",
        ) {
            let text = format!("number,reason\n{before}\n+15550100199,ours\n{after}\n");
            prop_assert!(all(text.as_bytes()).contains(&"+15550100199 ours".to_owned()));
        }
    }
}
