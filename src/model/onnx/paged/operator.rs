//! Attention over pages as an operator of ONNX Runtime: a step's keys and values join their texts' pages, and its queries are answered from them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorInput, OperatorOutput,
};
use ort::value::{Shape, TensorElementType, ValueRef};

use super::attention::{Attention, Query};
use super::pages::{PAGE, PageId, Pages};
use crate::model::onnx::paged_operator::{LayerShape, OPERATOR};

/// Tokens whose queries are answered by one thread in one go.
const TILE: usize = 16;

/// What the operator's kernels and the batch share: they take turns.
#[derive(Clone)]
pub(super) struct Memory(Arc<Mutex<State>>);

pub(super) struct State {
    pub pages: Pages,
    /// The texts of the step, in the order of its tokens.
    pub parts: Vec<Part>,
}

/// Tokens of a text that are in a step.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// How many there are.
    pub tokens: usize,
    /// The position of the first in its text.
    pub position: usize,
    /// The text's pages, from its beginning.
    pub table: Vec<PageId>,
}

impl Memory {
    pub(super) fn new(pages: Pages) -> Self {
        let parts = Vec::new();
        Self(Arc::new(Mutex::new(State { pages, parts })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The operator.
pub(super) struct PagedAttention {
    pub memory: Memory,
    pub shapes: Vec<LayerShape>,
}

impl Operator for PagedAttention {
    type Kernel<'attr> = Layer;

    fn name(&self) -> &str {
        OPERATOR
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [const { OperatorInput::required(TensorElementType::Float32) }; 3]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Layer> {
        let count = |name: &str| {
            let value: Option<i64> = node.get(name);
            value.and_then(|n| usize::try_from(n).ok())
        };
        let missing = || ort::Error::new("an attribute is missing");
        let layer = count("layer").ok_or_else(missing)?;
        Ok(Layer {
            layer,
            shape: *self.shapes.get(layer).ok_or_else(missing)?,
            heads: count("heads").ok_or_else(missing)?,
            attention: Attention {
                scale: node.get("scale").ok_or_else(missing)?,
                window: count("window"),
                cap: node.get("softcap"),
            },
            memory: self.memory.clone(),
        })
    }
}

/// One layer's attention.
pub(super) struct Layer {
    layer: usize,
    shape: LayerShape,
    /// Heads of the queries.
    heads: usize,
    attention: Attention,
    memory: Memory,
}

/// Queries of one head of keys and values, of a few tokens of one text.
struct Work<'a> {
    table: &'a [PageId],
    head: usize,
    queries: Vec<Query<'a>>,
}

impl Kernel for Layer {
    fn compute(&mut self, node: &ComputeContext) -> ort::Result<()> {
        let inputs = [node.input(0)?, node.input(1)?, node.input(2)?];
        let [queries, keys, values] = &inputs;
        let (shape, queries) = numbers(queries.as_ref())?;
        let ((_, keys), (_, values)) = (numbers(keys.as_ref())?, numbers(values.as_ref())?);
        let own = self.heads * self.shape.width;
        let mut output = node
            .output(0, shape.to_vec())?
            .ok_or_else(|| ort::Error::new("the output is missing"))?;
        let (_, answers) = output.try_extract_tensor_mut::<f32>()?;
        let mut state = self.memory.lock();
        let State { pages, parts } = &mut *state;
        let expected: usize = parts.iter().map(|p| p.tokens).sum();
        let kept = expected * self.shape.heads * self.shape.width;
        if queries.len() != expected * own || keys.len() != kept || values.len() != kept {
            return Err(ort::Error::new(
                "the step's tokens are not those of its texts",
            ));
        }
        self.remember(pages, parts, keys, values);
        let works = self.works(parts, queries, answers);
        let works: Vec<Mutex<Work>> = works.into_iter().map(Mutex::new).collect();
        let pages = &*pages;
        node.par_for(works.len(), 0, |at| {
            let mut work = works[at].lock().unwrap_or_else(PoisonError::into_inner);
            let Work {
                table,
                head,
                queries,
            } = &mut *work;
            let last = queries.iter().map(|q| q.position / PAGE).max().unwrap_or(0);
            let table = table[..=last].iter();
            let heads: Vec<_> = table.map(|id| pages.head(self.layer, *id, *head)).collect();
            self.attention.answer(&heads, queries);
        })
    }
}

impl Layer {
    /// Puts the step's keys and values into their texts' pages.
    fn remember(&self, pages: &mut Pages, parts: &[Part], keys: &[f32], values: &[f32]) {
        let all = self.shape.heads * self.shape.width;
        let mut rows = keys.chunks_exact(all).zip(values.chunks_exact(all));
        for part in parts {
            let positions = part.position..part.position + part.tokens;
            for (position, (keys, values)) in positions.zip(&mut rows) {
                let place = (part.table[position / PAGE], position % PAGE);
                pages.write(self.layer, place, keys, values);
            }
        }
    }

    /// The step's queries, cut up for threads.
    fn works<'a>(
        &self,
        parts: &'a [Part],
        queries: &'a [f32],
        answers: &'a mut [f32],
    ) -> Vec<Work<'a>> {
        let width = self.shape.width;
        let group = self.heads / self.shape.heads;
        let mut works = Vec::new();
        let mut rows = queries
            .chunks_exact(self.heads * width)
            .zip(answers.chunks_exact_mut(self.heads * width));
        for part in parts {
            let end = part.position + part.tokens;
            for start in (part.position..end).step_by(TILE) {
                let first = works.len();
                works.extend((0..self.shape.heads).map(|head| Work {
                    table: &part.table,
                    head,
                    queries: Vec::with_capacity(TILE * group),
                }));
                for (position, (asked, answer)) in (start..end.min(start + TILE)).zip(&mut rows) {
                    let asked = asked.chunks_exact(width);
                    let of_heads = asked.zip(answer.chunks_exact_mut(width));
                    for (head, (values, answer)) in of_heads.enumerate() {
                        works[first + head / group].queries.push(Query {
                            values,
                            position,
                            answer,
                        });
                    }
                }
            }
        }
        works
    }
}

fn numbers<'a>(input: Option<&'a ValueRef<'_>>) -> ort::Result<(&'a Shape, &'a [f32])> {
    let value = input.ok_or_else(|| ort::Error::new("an input is missing"))?;
    value.try_extract_tensor::<f32>()
}
