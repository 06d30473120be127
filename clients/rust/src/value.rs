//! Typed values of a configuration.

use crate::pb::parameter_value::Kind;
use crate::pb::{Parameter, ParameterValue};

/// The value of one hyperparameter, exactly as the experiment declares it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// From a range of numbers, or given as one.
    Double(f64),
    /// From a range of integers, or given as one.
    Int(i64),
    /// A text.
    String(String),
    /// A boolean.
    Bool(bool),
    /// Null, a list or a map as canonical JSON.
    Json(String),
    /// Of a kind of a newer server, which this client does not know.
    Unknown,
}

/// Name and value of a parameter.
pub(crate) fn decode(parameter: Parameter) -> (String, Value) {
    let kind = parameter.value.and_then(|ParameterValue { kind }| kind);
    let value = match kind {
        Some(Kind::DoubleValue(value)) => Value::Double(value),
        Some(Kind::IntValue(value)) => Value::Int(value),
        Some(Kind::StringValue(value)) => Value::String(value),
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::JsonValue(value)) => Value::Json(value),
        None => Value::Unknown,
    };
    (parameter.name, value)
}
