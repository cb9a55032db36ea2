"""What is said of the measures of a whole layer that judge, or can find something."""

from __future__ import annotations

from filtviz.measures.measure import Measure

__all__ = ["LAYER_ENTRIES"]

LAYER_ENTRIES = (
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
        key="filter-energy",
        title="Uneven energies of the filters",
        level="layer",
        formula="Σ(s_g − s̄)²/(n_g Var w²), s_g the sum of squares of filter g, n_g its weights",
        null="χ² with O − 1 degrees of freedom",
        short_null="χ²",
        threshold="p < .01/6",
        supports='"some filters are used more than others"',
        cannot_say="It rises with random labels too.",
        source="the variance of sums of independent draws; Du, Hu & Lee 2018 for why energies grow apart",
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
        source="the variance of sums of independent draws; Du, Hu & Lee 2018",
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
)
