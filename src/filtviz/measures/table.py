"""The table of measures: for each its formula, its null, what it supports, what it cannot say, its source.

`filtviz explain` prints an entry, ``docs/measures.md`` holds them all. Pure text: importing this imports
neither numpy nor scipy. The functions that take the measures are in `filtviz.measures.judging` and
`filtviz.measures.showing`.
"""

from __future__ import annotations

from dataclasses import dataclass

from filtviz.errors import MeasureError

__all__ = ["ALPHA", "CHECKS", "JUDGING", "LEVEL", "MEASURES", "VERDICTS", "Measure", "measure_named"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measure.

    ``level`` says of what it speaks: a layer, a filter, or both; ``short_null`` is its null in a word or two,
    for a column; ``judges`` whether it takes part in a layer's verdict.
    """

    key: str
    title: str
    level: str
    formula: str
    null: str
    short_null: str
    threshold: str
    supports: str
    cannot_say: str
    source: str
    judges: bool = False

    def as_text(self) -> dict[str, str]:
        """Return all that is said of it, by heading."""
        return {
            "measure": self.key,
            "title": self.title,
            "of": self.level,
            "formula": self.formula,
            "null": self.null,
            "counts if": self.threshold,
            "supports": self.supports,
            "cannot say": self.cannot_say,
            "in verdict": "yes" if self.judges else "no",
            "source": self.source,
        }


ALPHA = 0.01
"""How often a layer of independent draws may be judged to be something else."""

JUDGING = ("initialiser", "low-frequency", "sphericity", "filter-energy", "channel-energy", "spike")
"""The tests that decide a layer's verdict."""

LEVEL = ALPHA / len(JUDGING)
"""Bonferroni's level for each of them, also where some cannot be taken."""

VERDICTS = {
    "initial": "indistinguishable from initialisation",
    "updated": "was updated, but no filter structure can be detected",
    "structured": "statistically structured",
    "collapsed": "structured, but collapsed to few directions",
    "undecided": "cannot tell, and the sentence says why",
}
"""The verdicts of a layer, as `--json` has them."""

CHECKS = {
    "untrained": "a layer is indistinguishable from its initialisation",
    "unstructured": "a layer was updated, but no filter structure can be detected in it",
    "collapsed": "a layer has collapsed to few directions",
    "undecided": "a layer cannot be judged",
    "dead": "a filter is provably dead, or has decayed to almost nothing",
    "duplicates": "two filters are near-duplicates (|cos| of .95 or more)",
    "clipped": "the values of a layer pile up at ±max",
    "quantised": "a layer has fewer distinct values than its precision allows",
    "nonfinite": "a weight or a bias is NaN or infinite",
}
"""What ``--check`` can look for."""

_ENTRIES = (
    Measure(
        key="bias",
        title="Biases that have moved",
        level="layer",
        formula="whether the biases are anything but one constant",
        null="impossible at the start: Lasagne's default bias is Constant(0)",
        short_null="impossible",
        threshold="any two biases that differ",
        supports='"was updated"',
        cannot_say=(
            "Nothing about a layer without biases, nor about biases that were drawn at random on purpose."
        ),
        source="lasagne/layers/conv.py: b=init.Constant(0.)",
    ),
    Measure(
        key="bound",
        title="Weights beyond the initialiser's bound",
        level="layer",
        formula=(
            "share of |w| > a(1 + 1e-6), a = √3·std of the uniform initialiser (1e-3 for half precision)"
        ),
        null="impossible at the start",
        short_null="impossible",
        threshold="any, where the initialiser was identified",
        supports='"was updated", given that initialiser',
        cannot_say=(
            "A normal or orthogonal initialiser has no bound. Where the initialiser is not "
            "identified, the default's bound is shown and nothing follows from it."
        ),
        source="Glorot & Bengio 2010; He et al. 2015; lasagne/init.py",
    ),
    Measure(
        key="initialiser",
        title="Fit to a catalogued initialiser",
        level="layer",
        formula=(
            "Kolmogorov-Smirnov distance from each catalogued law with its known parameters: "
            "GlorotUniform, GlorotNormal, HeUniform, HeNormal with gain 1 and √2, Uniform(.01), "
            "Normal(.01); the best fit counts"
        ),
        null="exact: the parameters are known, not fitted",
        short_null="KS, exact",
        threshold="p < .01/6 for each of them",
        supports='"indistinguishable from GlorotUniform()"',
        cannot_say=(
            "Weak for few weights: conv1 of a network of 99.3 % accuracy, 180 weights, has p = "
            ".995. A fit is no proof that nothing was trained. Draws of a scale that is not in "
            "the catalogue are tried with their own, and named so."
        ),
        source="Kolmogorov 1933; lasagne/init.py; scipy.stats.ks_1samp",
        judges=True,
    ),
    Measure(
        key="orthogonal",
        title="Orthogonal matrix",
        level="layer",
        formula=(
            "max|G/ḡ − I|, G the Gram matrix on the smaller side of the filters x rest matrix, ḡ "
            "its mean diagonal"
        ),
        null="training does not keep a matrix orthogonal to that precision",
        short_null="–",
        threshold="< .001",
        supports='"indistinguishable from Orthogonal()"',
        cannot_say="Nothing for a layer of one filter or one weight a filter.",
        source="Saxe et al. 2013; lasagne/init.py",
    ),
    Measure(
        key="residue",
        title="Noise residue R²",
        level="layer",
        formula=(
            "w = u + d, u ~ U(−A, A), d ~ πN(0, s₁²) + (1−π)N(0, s₂²), by binned maximum "
            "likelihood; R² = (A²/3)/(A²/3 + Var d), which estimates cos² between the weights "
            "and their initial values"
        ),
        null="none: an estimate, reported only behind a gate",
        short_null="– (gated)",
        threshold=(
            "likelihood ratio against A → 0 over 12; free A against the catalogue's under 6.6; "
            "rms at least .97 of the initial one; |R² free − R² fixed| < .12"
        ),
        supports='"about 93% of the visible variance is still the initial noise"',
        cannot_say=(
            "Nothing where the first weights were normal or orthogonal, or shrunk by weight "
            "decay: then the gate stays shut and it says that it cannot tell. Mean absolute "
            "error .02 where the gate opens."
        ),
        source="this project: the likelihood of a uniform draw plus a change",
    ),
    Measure(
        key="low-frequency",
        title="Low-frequency share F",
        level="layer and filter",
        formula=(
            "F = Σ_L D² / Σ D², D the orthonormal 2-D DCT-II of a kernel, L = {u/(rows−1) + "
            "v/(cols−1) ≤ ½}: m = 3 of p = 9 coefficients, 6 of 25, 10 of 49"
        ),
        null=(
            "filter, energies pooled over its C channels: Beta(mC/2, (p−m)C/2); layer: z = (mean "
            "F − m/p)/√(2m(p−m)/(p²(p+2)N)), two-sided"
        ),
        short_null="normal",
        threshold="layer p < .01/6; filters Benjamini-Hochberg at .05",
        supports='"smoother (rougher) than white noise"',
        cannot_say=(
            "Smooth is not structured, and rough is not unstructured: a Laplacian has F = 0. "
            "Textures make filters rougher than noise. One 3x3 kernel needs F > .77 at a "
            "two-sided 5 % (.70 one-sided). No mark of quality."
        ),
        source="the distribution of a ratio of chi-squared sums; Benjamini & Hochberg 1995",
        judges=True,
    ),
    Measure(
        key="sphericity",
        title="Sign sphericity",
        level="layer",
        formula="S = mean(ww'/‖w‖²) over the N kernels; Q = N p(p+2)/2 · tr (S − I/p)²",
        null="χ² with (p−1)(p+2)/2 degrees of freedom",
        short_null="χ²",
        threshold="p < .01/6",
        supports='"the positions of a kernel are (not) exchangeable"',
        cannot_say="No power with few kernels. It does not say which positions go together.",
        source=(
            "Hallin & Paindaveine 2006, Annals of Statistics 34 (sign scores); Sirkiä et al. "
            "2009, J. Nonparametric Statistics 21"
        ),
        judges=True,
    ),
    Measure(
        key="composed",
        title="Structure of composed filters (linearised)",
        level="filter",
        formula=(
            "kernels of the stack up to the first pooling composed to one, zero-padded to 16x16: "
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
        source="this project; the permutation argument is Fisher's",
    ),
    Measure(
        key="filter-energy",
        title="Uneven energies of the filters",
        level="layer",
        formula="Σ(s_g − s̄)²/(n_g Var w²), s_g the sum of squares of filter g, n_g its weights",
        null="χ² with O − 1 degrees of freedom",
        short_null="χ²",
        threshold="p < .01/6",
        supports='"some filters are used more than others"',
        cannot_say="It rises with random labels too.",
        source="Du, Hu & Lee 2018 (why energies grow apart in step); Bartlett's idea for unknown laws",
        judges=True,
    ),
    Measure(
        key="channel-energy",
        title="Uneven energies of the input channels",
        level="layer",
        formula="Σ(s_g − s̄)²/(n_g Var w²), s_g the sum of squares that looks at input channel g",
        null="χ² with C − 1 degrees of freedom",
        short_null="χ²",
        threshold="p < .01/6",
        supports='"some input channels are used more than others"',
        cannot_say="It rises with random labels too.",
        source="Du, Hu & Lee 2018; Bartlett's idea for unknown laws",
        judges=True,
    ),
    Measure(
        key="coupling",
        title="Coupling with the following layer",
        level="layer; per filter the reliance",
        formula=(
            "Spearman's rank correlation of ‖W_l[o]‖² and ‖W_{l+1}[:, o]‖²; reliance: "
            "‖W_{l+1}[:, o]‖² over its mean"
        ),
        null="rank null (t approximation), one-sided, from 10 filters on",
        short_null="ranks",
        threshold="p < .01, beside the verdict",
        supports='"the following layer relies on these filters"',
        cannot_say="It rises with random labels too. Not taken where the file does not tell what follows.",
        source="Du, Hu & Lee 2018, NeurIPS; scipy.stats.spearmanr",
    ),
    Measure(
        key="spike",
        title="Low-rank spike",
        level="layer",
        formula=(
            "λ₁ of the O x Cp matrix at unit variance, n and p its longer and shorter side; μ = "
            "(√(n−1) + √p)², σ = (√(n−1) + √p)(1/√(n−1) + 1/√p)^⅓; s = (λ₁ − μ)/σ"
        ),
        null=(
            "Tracy-Widom law of order 1 (.979 at 5 %, 2.023 at 1 %), as a shifted gamma law; "
            "conservative here"
        ),
        short_null="Tracy-Widom",
        threshold="p < .01/6; both sides at least 5",
        supports='"a low-rank component beyond noise"',
        cannot_say="Silent on first layers trained with Adam.",
        source="Johnstone 2001, Annals of Statistics 29, 295-327; Chiani 2014 for the gamma law",
        judges=True,
    ),
    Measure(
        key="first-component",
        title="First principal component",
        level="layer",
        formula="share of the first principal component of the filters, each brought to unit length",
        null=(
            "199 seeded draws of as many random directions (99 %: .311 for 20 filters of 1 "
            "channel, .091 for 20x20, .045 for 40x40 of 3x3)"
        ),
        short_null="199 draws",
        threshold="over .5 (this project's own cut) and p < .01, for a structured layer",
        supports='"collapsed to few directions"',
        cannot_say="Why. Too high a learning rate is one cause.",
        source="this project's cut",
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
        key="clipped",
        title="Values that pile up at ±max",
        level="layer",
        formula="share of |w| ≥ .98 max|w|",
        null="Bin(n−1, .02) for uniform draws; all others have less",
        short_null="binomial",
        threshold="p < .001",
        supports='"values pile up at ±max"',
        cannot_say="Weights cannot show that anything else saturates.",
        source="the binomial law",
    ),
    Measure(
        key="quantised",
        title="Few distinct values",
        level="layer",
        formula="number of distinct weights against what draws rounded to that precision give",
        null="Σ over binades of 2^(m+1)(1 − exp(−n_b/2^(m+1))), m the mantissa's bits",
        short_null="occupancy",
        threshold="under .95 of it",
        supports='"only k distinct values"',
        cannot_say="Whether it was meant. Half precision is recognised and allowed for.",
        source="the occupancy problem",
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

MEASURES = {entry.key: entry for entry in _ENTRIES}
"""Key → `Measure`, in the order in which they are explained."""


def measure_named(key: str) -> Measure:
    """Return the measure called ``key``.

    Raises:
        MeasureError: there is none; the text lists them.
    """
    if key in MEASURES:
        return MEASURES[key]
    raise MeasureError(f"there is no measure {key!r} (there are: {', '.join(MEASURES)})")
