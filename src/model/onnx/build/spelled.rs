//! Attention out of ONNX's own operators, for where ONNX Runtime's is not there: its CUDA provider has it in half precision only.

use super::decoder::Attention;
use super::proto::DataType;
use super::writer::{Setting, Value, Writer, length};

/// What a token that is not seen adds to a score.
const UNSEEN: f32 = -1e9;

/// Attention over the cache and the step's own tokens, in single precision: what was seen (batch × sequence × (heads × width)), and keys and values
/// with the step's own.
pub(super) fn attention(
    writer: &mut Writer,
    attention: &Attention,
    [queries, keys, values]: [&Value; 3],
    past: [&Value; 2],
    positions: &Value,
) -> [Value; 3] {
    let (heads, shared, width) = (
        length(attention.heads),
        length(attention.kv_heads),
        length(attention.width),
    );
    let [batch, sequence] = [0, 1].map(|axis| size(writer, positions, axis));
    let queries = by_head(writer, queries, heads, width);
    let [key, value] = [(keys, past[0]), (values, past[1])].map(|(own, past)| {
        let own = by_head(writer, own, shared, width);
        writer.op("Concat", &[past, &own], &[("axis", Setting::Int(2))])
    });
    let total = size(writer, &key, 2);
    let [rest, shared, of_each, heads, width] =
        [-1, shared, heads / shared.max(1), heads, width].map(|n| writer.integers(&[n]));
    // Heads that share keys and values follow one another: they are this many more rows of queries.
    let rows = shaped(writer, &queries, &[&batch, &shared, &rest, &width]);
    let turn = [("perm", Setting::Ints(vec![0, 1, 3, 2]))];
    let columns = writer.op("Transpose", &[&key], &turn);
    let scores = writer.op("MatMul", &[&rows, &columns], &[]);
    let scale = writer.number(attention.scale);
    let mut scores = writer.op("Mul", &[&scores, &scale], &[]);
    if let Some(cap) = attention.cap {
        let cap = writer.number(cap);
        let part = writer.op("Div", &[&scores, &cap], &[]);
        let part = writer.op("Tanh", &[&part], &[]);
        scores = writer.op("Mul", &[&part, &cap], &[]);
    }
    let by_query = [&batch, &shared, &of_each, &sequence, &total];
    let scores = shaped(writer, &scores, &by_query);
    let unseen = unseen(writer, attention.window, positions, &key);
    let scores = writer.op("Add", &[&scores, &unseen], &[]);
    let shares = writer.op("Softmax", &[&scores], &[("axis", Setting::Int(-1))]);
    let shares = shaped(writer, &shares, &[&batch, &shared, &rest, &total]);
    let seen = writer.op("MatMul", &[&shares, &value], &[]);
    let seen = shaped(writer, &seen, &[&batch, &heads, &sequence, &width]);
    let back = [("perm", Setting::Ints(vec![0, 2, 1, 3]))];
    let seen = writer.op("Transpose", &[&seen], &back);
    let seen = shaped(writer, &seen, &[&batch, &sequence, &rest]);
    [seen, key, value]
}

/// A value's size along an axis, as a list of one.
fn size(writer: &mut Writer, value: &Value, axis: i64) -> Value {
    let shape = writer.op("Shape", &[value], &[]);
    let axis = writer.integers(&[axis]);
    writer.op("Gather", &[&shape, &axis], &[])
}

/// A value in the shape of the sizes.
fn shaped(writer: &mut Writer, value: &Value, sizes: &[&Value]) -> Value {
    let shape = writer.op("Concat", sizes, &[("axis", Setting::Int(0))]);
    writer.op("Reshape", &[value, &shape], &[])
}

/// Batch × sequence × (heads × width) as batch × heads × sequence × width.
fn by_head(writer: &mut Writer, value: &Value, heads: i64, width: i64) -> Value {
    let shape = writer.integers(&[0, 0, heads, width]);
    let apart = writer.op("Reshape", &[value, &shape], &[]);
    let turn = [("perm", Setting::Ints(vec![0, 2, 1, 3]))];
    writer.op("Transpose", &[&apart], &turn)
}

/// What is added to scores: nothing where a token sees another, and otherwise so much less that none of it is left. Batch × 1 × 1 × sequence × total.
fn unseen(writer: &mut Writer, window: Option<usize>, positions: &Value, keys: &Value) -> Value {
    let shape = writer.op("Shape", &[keys], &[]);
    let two = writer.integer(2);
    let total = writer.op("Gather", &[&shape, &two], &[]);
    let (zero, one) = (writer.integer(0), writer.integer(1));
    let places = writer.op("Range", &[&zero, &total, &one], &[]);
    let axes = writer.integers(&[1, 2, 4]);
    let own = writer.op("Unsqueeze", &[positions, &axes], &[]);
    let mut unseen = writer.op("Greater", &[&places, &own], &[]);
    if let Some(window) = window {
        let window = writer.integer(length(window));
        let last = writer.op("Sub", &[&own, &window], &[]);
        let far = writer.op("LessOrEqual", &[&places, &last], &[]);
        unseen = writer.op("Or", &[&unseen, &far], &[]);
    }
    let unseen = writer.cast(&unseen, DataType::Float);
    let much = writer.number(UNSEEN);
    writer.op("Mul", &[&unseen, &much], &[])
}
