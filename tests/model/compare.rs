//! Whether two answers are equal, but for the moments in them: those of the database have to be in
//! the order of the model's, and equal where these are.

use std::collections::BTreeMap;

use serde_json::Value;

/// Which moment of the database is which of the model, and which change id that the database made up, and which
/// entry of the audit log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    moments: Moments,
    /// Of the audit log, which is written a little after what it tells of.
    recorded: Moments,
    ids: BTreeMap<String, String>,
    /// The numbers of its entries.
    entries: BTreeMap<i64, i64>,
}

#[derive(Debug, Clone, Default)]
struct Moments(BTreeMap<i64, jiff::Timestamp>);

impl Clock {
    /// Whether an id that both made up stands for the same each time.
    fn is_same(&mut self, model: &Value, real: &Value) -> bool {
        let (Some(model), Some(real)) = (model.as_str(), real.as_str()) else { return false };
        model.starts_with("ffffffff-") && self.ids.entry(model.to_owned()).or_insert(real.to_owned()) == real
    }

    /// Whether both number the same entry, and those before and after it in the same order.
    fn numbers(&mut self, model: &Value, real: &Value) -> bool {
        let (Some(model), Some(real)) = (model.as_i64(), real.as_i64()) else { return false };
        let known = *self.entries.entry(model).or_insert(real);
        let before = self.entries.range(..model).next_back();
        let after = self.entries.range(model + 1..).next();
        known == real
            && before.is_none_or(|(_, before)| *before < real)
            && after.is_none_or(|(_, after)| real < *after)
    }
}

impl Moments {
    /// Neither runs against the other. Two steps may share a moment, where a clock has no finer ones.
    fn agrees(&mut self, model: &Value, real: &Value) -> bool {
        let (Some(model), Some(real)) = (model.as_i64(), real.as_str()) else { return false };
        let Ok(real) = real.parse::<jiff::Timestamp>() else { return false };
        let known = *self.0.entry(model).or_insert(real);
        let before = self.0.range(..model).next_back();
        let after = self.0.range(model + 1..).next();
        known == real
            && before.is_none_or(|(_, before)| *before <= real)
            && after.is_none_or(|(_, after)| real <= *after)
    }
}

/// The first difference, as where it is and what both say there.
pub(crate) fn difference(model: &Value, real: &Value, clock: &mut Clock) -> Option<String> {
    differ(model, real, clock, &mut String::new())
}

fn differ(model: &Value, real: &Value, clock: &mut Clock, place: &mut String) -> Option<String> {
    let shown = |value: &Value| value.to_string().chars().take(300).collect::<String>();
    let here = || Some(format!("at {place:?} the model says {}, the database {}", shown(model), shown(real)));
    match (model, real) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(name, value)| {
                let length = place.len();
                place.push('/');
                place.push_str(name);
                let found = match name.as_str() {
                    "change_id" if clock.is_same(value, &b[name]) => None,
                    "updated_at" | "approved_at" | "invited_at" if clock.moments.agrees(value, &b[name]) => {
                        None
                    }
                    "at" if clock.recorded.agrees(value, &b[name]) => None,
                    "entry" if clock.numbers(value, &b[name]) => None,
                    _ => differ(value, &b[name], clock, place),
                };
                place.truncate(length);
                found
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(n, (a, b))| {
                let length = place.len();
                place.push_str(&format!("/{n}"));
                let found = differ(a, b, clock, place);
                place.truncate(length);
                found
            })
        }
        _ if model == real => None,
        _ => here(),
    }
}
