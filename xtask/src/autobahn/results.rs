//! What the suite found, what was stored, and what is different.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::autobahn::outcome::{CaseId, Outcome};

/// What the suite said of each case that it ran.
pub(crate) type Report = BTreeMap<CaseId, Outcome>;

/// Reads the suite's `index.json`, which has the cases of each server under its name.
pub(crate) fn read_report(index: &Value, adapter: &str) -> Result<Report> {
    let cases = index[adapter].as_object().with_context(|| format!("the suite's report has no `{adapter}`"))?;
    cases.iter().map(|(id, case)| Ok((id.parse()?, outcome_of(case)?))).collect()
}

fn outcome_of(case: &Value) -> Result<Outcome> {
    let verdict = |field: &str| case[field].as_str().unwrap_or_default().parse::<Outcome>();
    Ok(verdict("behavior")?.max(verdict("behaviorClose")?))
}

/// The stored result: every case, and for each adapter those that are anything but OK.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) cases: Vec<CaseId>,
    pub(crate) adapters: BTreeMap<String, Report>,
}

impl Stored {
    pub(crate) fn load(file: &Path) -> Result<Stored> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Stored::parse(&text).with_context(|| format!("{} is not a stored result", file.display()))
    }

    fn parse(text: &str) -> Result<Stored> {
        let value: Value = serde_json::from_str(text)?;
        let cases = value["cases"].as_array().context("no `cases`")?;
        let adapters = value["not_ok"].as_object().context("no `not_ok`")?;
        let report = |cases: &Value| {
            let cases = cases.as_object().context("an adapter's cases are an object")?;
            cases.iter().map(|(id, outcome)| Ok((id.parse()?, text_of(outcome)?.parse()?))).collect::<Result<Report>>()
        };
        Ok(Stored {
            cases: cases.iter().map(|id| text_of(id)?.parse()).collect::<Result<_>>()?,
            adapters: adapters.iter().map(|(name, cases)| Ok((name.clone(), report(cases)?))).collect::<Result<_>>()?,
        })
    }

    pub(crate) fn save(&self, file: &Path) -> Result<()> {
        fs::write(file, self.to_json()?).with_context(|| format!("cannot write {}", file.display()))
    }

    fn to_json(&self) -> Result<String> {
        let cases: Vec<String> = self.cases.iter().map(CaseId::to_string).collect();
        let report = |report: &Report| {
            let named = report.iter().map(|(id, outcome)| (id.to_string(), json!(outcome.name())));
            Value::Object(named.collect::<Map<_, _>>())
        };
        let adapters: Map<_, _> = self.adapters.iter().map(|(name, cases)| (name.clone(), report(cases))).collect();
        Ok(serde_json::to_string_pretty(&json!({ "cases": cases, "not_ok": adapters }))? + "\n")
    }

    /// Takes over what a run found; other cases and other adapters stay.
    pub(crate) fn bless(&mut self, adapter: &str, found: &Report) {
        self.cases.extend(found.keys().cloned());
        self.cases.sort();
        self.cases.dedup();
        let stored = self.adapters.entry(adapter.to_owned()).or_default();
        for (id, outcome) in found {
            match outcome {
                Outcome::Ok => stored.remove(id),
                outcome => stored.insert(id.clone(), *outcome),
            };
        }
    }

    /// What a run of these cases found that is not as stored. A case that did not run has failed.
    pub(crate) fn compare(&self, adapter: &str, patterns: &[String], found: &Report) -> Vec<Difference> {
        let mut ids: Vec<_> = self.cases.iter().filter(|id| id.is_among(patterns)).chain(found.keys()).collect();
        ids.sort();
        ids.dedup();
        let stored = |id| self.adapters.get(adapter).and_then(|cases| cases.get(id)).copied().unwrap_or(Outcome::Ok);
        let found = |id| found.get(id).copied().unwrap_or(Outcome::Failed);
        ids.into_iter()
            .map(|id| Difference { id: id.clone(), stored: stored(id), found: found(id) })
            .filter(|difference| difference.stored != difference.found)
            .collect()
    }
}

/// A case that did not end as it did when the result was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) id: CaseId,
    pub(crate) stored: Outcome,
    pub(crate) found: Outcome,
}

impl Difference {
    pub(crate) fn is_for_the_worse(&self) -> bool {
        self.found.is_worse_than(self.stored)
    }
}

fn text_of(value: &Value) -> Result<&str> {
    value.as_str().context("a text was expected")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autobahn::{ADAPTERS, CASES, STORED};

    fn report(cases: &[(&str, Outcome)]) -> Report {
        cases.iter().map(|(id, outcome)| (id.parse().unwrap(), *outcome)).collect()
    }

    fn all() -> Vec<String> {
        vec!["*".to_owned()]
    }

    #[test]
    fn the_worse_of_both_verdicts_counts() {
        let index = json!({"axum": {
            "1.1.1": {"behavior": "OK", "behaviorClose": "OK"},
            "6.4.3": {"behavior": "NON-STRICT", "behaviorClose": "OK"},
            "7.1.1": {"behavior": "OK", "behaviorClose": "WRONG CODE"},
        }});
        let expected = [("1.1.1", Outcome::Ok), ("6.4.3", Outcome::NonStrict), ("7.1.1", Outcome::WrongCode)];
        assert_eq!(read_report(&index, "axum").unwrap(), report(&expected));
        assert!(read_report(&index, "warp").is_err());
    }

    #[test]
    fn what_is_blessed_is_read_again_and_shows_no_difference() {
        let mut stored = Stored::default();
        let found = report(&[("10.1.1", Outcome::Ok), ("6.4.3", Outcome::NonStrict)]);
        stored.bless("axum", &found);
        let stored = Stored::parse(&stored.to_json().unwrap()).unwrap();
        assert_eq!(stored.compare("axum", &all(), &found), []);
        assert_eq!(stored.adapters["axum"], report(&[("6.4.3", Outcome::NonStrict)]));
    }

    #[test]
    fn what_is_worse_and_what_did_not_run_is_found() {
        let mut stored = Stored::default();
        stored.bless("axum", &report(&[("1.1.1", Outcome::Ok), ("2.1", Outcome::Ok), ("6.4.3", Outcome::NonStrict)]));
        let found = report(&[("1.1.1", Outcome::Unclean), ("6.4.3", Outcome::Ok)]);
        let differences = stored.compare("axum", &all(), &found);
        let worse: Vec<String> =
            differences.iter().filter(|it| it.is_for_the_worse()).map(|it| it.id.to_string()).collect();
        assert_eq!(worse, ["1.1.1", "2.1"]);
        assert_eq!(differences.len(), 3);
        assert_eq!(stored.compare("axum", &["6.*".to_owned()], &report(&[("6.4.3", Outcome::NonStrict)])), []);
    }

    /// No case that fails, no wrong close code, no unclean close; at most two that are right but late.
    #[test]
    fn the_stored_result_meets_the_target_on_every_adapter() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(STORED);
        let stored = Stored::load(&file).unwrap();
        let patterns: Vec<String> = CASES.iter().map(|&pattern| pattern.to_owned()).collect();
        assert_eq!(stored.cases.iter().filter(|id| id.is_among(&patterns)).count(), 301);
        assert_eq!(stored.cases.len(), 301);
        assert_eq!(stored.adapters.keys().map(String::as_str).collect::<Vec<_>>(), {
            let mut names = ADAPTERS.to_vec();
            names.sort_unstable();
            names
        });
        for (adapter, cases) in &stored.adapters {
            assert!(cases.values().all(|outcome| *outcome <= Outcome::NonStrict), "{adapter}: {cases:?}");
            let late = cases.values().filter(|outcome| **outcome == Outcome::NonStrict).count();
            assert!(late <= 2, "{adapter}: {late} cases are not strict");
        }
    }
}
