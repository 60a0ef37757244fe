//! Attention over pages, as graphs name it: what those who write graphs and those who run them agree on.

/// The domain of candor's operators.
pub(super) const DOMAIN: &str = "candor";
/// The operator's name. Inputs: queries, keys and values, tokens × (heads × width) each; output: as the queries. Attributes: `layer`, `heads`, `scale`;
/// `window` and `softcap` where there are any.
pub(super) const OPERATOR: &str = "PagedAttention";

/// What a layer keeps of a token: this many heads of keys and of values, each of some width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LayerShape {
    pub heads: usize,
    pub width: usize,
}
