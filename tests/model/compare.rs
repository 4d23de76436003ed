//! Whether two answers are equal, but for the moments in them: those of the database have to be in
//! the order of the model's, and equal exactly when these are.

use std::collections::BTreeMap;

use serde_json::Value;

/// Which moment of the database is which of the model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock(BTreeMap<i64, jiff::Timestamp>);

impl Clock {
    fn agrees(&mut self, model: &Value, real: &Value) -> bool {
        let (Some(model), Some(real)) = (model.as_i64(), real.as_str()) else { return false };
        let Ok(real) = real.parse::<jiff::Timestamp>() else { return false };
        let known = *self.0.entry(model).or_insert(real);
        let before = self.0.range(..model).next_back();
        let after = self.0.range(model + 1..).next();
        known == real
            && before.is_none_or(|(_, before)| *before < real)
            && after.is_none_or(|(_, after)| real < *after)
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
                    "updated_at" | "approved_at" | "invited_at" if clock.agrees(value, &b[name]) => None,
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
