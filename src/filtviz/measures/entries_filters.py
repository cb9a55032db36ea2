"""What is said of the measures of single filters, and of those that only are shown."""

from __future__ import annotations

from filtviz.measures.measure import Measure

__all__ = ["FILTER_ENTRIES"]

FILTER_ENTRIES = (
    Measure(
        key="composed",
        title="Structure of composed filters (linearised)",
        level="filter",
        formula=(
            "kernels of the stack up to the first pooling composed to one (of 32 pixels at most), "
            "zero-padded to 16x16 or 32x32: "
            "spectral entropy of the power, and radial centroid of its frequencies"
        ),
        null=(
            "Monte Carlo, 199 seeded draws: permute the positions and flip the sign of each "
            "kernel of every layer, compose again"
        ),
        short_null="199 shuffles",
        threshold="filters Benjamini-Hochberg at .05",
        supports='"a more concentrated spectrum than chance", "low-pass", "fine"',
        cannot_say=(
            "Rectifiers and biases are left out. Past a pooling it is not taken. Where the file "
            "does not tell what lies between the convolutions, neither."
        ),
        source="this project",
    ),
    Measure(
        key="duplicates",
        title="Closest pair of filters",
        level="pairs",
        formula="max |cos| over all pairs of filters",
        null=(
            "cos² ~ Beta(½, (d−1)/2), Šidák over the pairs, at 1 %: .940 for 20 filters of 9 "
            "weights, .296 for 20 of 180"
        ),
        short_null="Beta, Šidák",
        threshold='"correlated" from the null\'s; "near-duplicates" from |cos| .95 as well',
        supports='"near-duplicates"; "correlated"',
        cannot_say="In a deep layer significance starts at cos .3, which the eye does not see.",
        source="the distribution of a random cosine; Šidák 1967",
    ),
    Measure(
        key="dead",
        title="Provably dead filters",
        level="filter",
        formula="interval bound of the input to the rectifier: at most 0 for every image in the input range",
        null="a proof, not a test",
        short_null="a proof",
        threshold="bound ≤ 0",
        supports='"provably dead"',
        cannot_say=(
            "That any other filter is alive: of 720 units 93 were dead on data, and this saw "
            "none of them. It needs --input-range for most filters."
        ),
        source="interval arithmetic (Moore 1966)",
    ),
    Measure(
        key="decayed",
        title="Decayed filters",
        level="filter",
        formula="‖w‖ below .1 of the initial norm √(C p)·std",
        null="heuristic",
        short_null="heuristic",
        threshold=".1",
        supports='"decayed to almost nothing"',
        cannot_say="The initial norm is the default initialiser's where none is identified.",
        source="this project's cut",
    ),
    Measure(
        key="classical",
        title="Nearest classical kernel",
        level="filter",
        formula=(
            "greatest |cos| with 17 textbook 3x3 masks (box, Gaussian, Sobel, Prewitt, "
            "Laplacian, lines, …), or Gaussian derivatives for larger odd squares"
        ),
        null="cos² ~ Beta(½, (p−1)/2), Šidák over kernels and masks, at 1 %: .948 for 20 kernels",
        short_null="Beta, Šidák",
        threshold="named above it only",
        supports='"matches a Sobel kernel"',
        cannot_say="Below: 28 % of pure noise kernels reach .7 with one of them.",
        source="textbook masks; Šidák 1967",
    ),
    Measure(
        key="orientation",
        title="Orientation coherence and angle",
        level="filter",
        formula="(λ₁ − λ₂)/(λ₁ + λ₂) of the structure tensor over 2x2 cells, channels summed",
        null="none: shown, does not judge (mean .56 for noise at 3x3)",
        short_null="–",
        threshold="none",
        supports="a number to sort by",
        cannot_say="That a filter is oriented: noise looks so at this size.",
        source="Bigün & Granlund 1987",
    ),
    Measure(
        key="sparsity",
        title="Sparsity",
        level="layer",
        formula="share of kernels whose weights are all under 1 % of the layer's largest",
        null="none: shown, does not judge",
        short_null="–",
        threshold="none",
        supports="a number to compare with CNN Filter DB",
        cannot_say="Whether the empty kernels matter.",
        source="Gavrikov & Keuper, CVPR 2022",
    ),
    Measure(
        key="variance-entropy",
        title="Variance entropy",
        level="layer",
        formula=(
            "entropy (base 10) of the normalised variances of the kernels' principal components, "
            "over T_H(n) = L/(1 + exp(−k(log₂ n − x₀))) + b; L 1.2618047, x₀ 2.30436435, k "
            ".88767525, b −.31050834"
        ),
        null="none used: a ratio of 1 or more looks random at many kernels; shown, does not judge",
        short_null="–",
        threshold="3x3 only",
        supports="a number to compare with CNN Filter DB",
        cannot_say="Anything at few kernels or at other sizes.",
        source="Gavrikov & Keuper, CVPR 2022",
    ),
    Measure(
        key="filter-orthogonality",
        title="Orthogonality of the filters",
        level="layer",
        formula="1 − mean |cos| over all pairs of filters",
        null="none: shown, does not judge",
        short_null="–",
        threshold="none",
        supports="a number to compare with CNN Filter DB",
        cannot_say="Much at many channels, where random filters are nearly orthogonal.",
        source="Gavrikov & Keuper, CVPR 2022",
    ),
    Measure(
        key="effective-rank",
        title="Effective rank",
        level="layer",
        formula="exp of the entropy of the normalised singular values of the O x Cp matrix",
        null="none: shown, does not judge",
        short_null="–",
        threshold="none",
        supports="a number of directions",
        cannot_say="Whether fewer would do.",
        source="Roy & Vetterli 2007, EUSIPCO",
    ),
    Measure(
        key="rms",
        title="Root mean square",
        level="layer",
        formula="√(mean w²), beside the initial std",
        null="none: shown, does not judge",
        short_null="–",
        threshold="none",
        supports="a number to compare with the initialiser's",
        cannot_say="Whether a layer learned.",
        source="–",
    ),
    Measure(
        key="mean",
        title="Mean weight",
        level="layer",
        formula="mean of all weights",
        null="none: shown, does not judge",
        short_null="–",
        threshold="none",
        supports="a number",
        cannot_say="Whether a layer learned.",
        source="–",
    ),
    Measure(
        key="kurtosis",
        title="Kurtosis",
        level="layer",
        formula="fourth standardised moment of all weights: 1.8 for uniform, 3 for normal draws",
        null="none: shown, does not judge",
        short_null="–",
        threshold="none",
        supports="a number; training makes tails heavier",
        cannot_say="Whether a layer learned.",
        source="–",
    ),
    Measure(
        key="change",
        title="Change from an earlier file (--before)",
        level="layer and filter",
        formula=(
            "cos² of the weights before and after; ‖after − before‖/‖before‖; F of what was "
            "added: after less its projection on before"
        ),
        null="F's own: the added part against white noise",
        short_null="normal",
        threshold="none; p is shown",
        supports=(
            '"x % of the visible variance still is what was there before", "what was added is smooth (rough)"'
        ),
        cannot_say="Whether the change is for the better. It beats every estimate made from one file.",
        source="the cosine; low-frequency, above",
    ),
)
