"""What people wrote about each published model; the figures of its card come from the results files (`benchmarks.card`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prose:
    """A model's card without its figures.

    protocols: whose results the card and the metrics show, the headline's first
    datasets: what the published weights were trained on
    """

    protocols: tuple[str, ...]
    datasets: tuple[str, ...]
    what: str
    differs: str
    data: str
    limits: str
    cite: str


CROSSL_WESAD = Prose(
    protocols=("wesad-loso",),
    datasets=("wesad",),
    what="""\
CroSSL (Deldari et al., WSDM 2024): one embedding a modality, some of them hidden twice and independently, and two aggregates that
should agree without collapsing. No labels, no negatives, no augmentation. Here each modality is described by a wide fixed front end
(kernel shares on an octave pyramid and descriptors that know the sensor); two trained layers a modality and an aggregator that infers
what is hidden are what latent masking trains. One embedding of 320 numbers for each minute of an Empatica E4 wristband: with all four
sensors there, 224 of them are principal components of the front end, which latent masking does not change, and 96 are the trained
summary. Where a sensor is missing, its 56 numbers are inferred.""",
    differs="""\
- The encoder is not the paper's CNN but fixed multi-scale descriptors with two trained layers (`descriptor`).
- The aggregate keeps a place for each modality and infers hidden ones (`completion`), instead of compressing to 32 numbers.
- VICReg's own weights 25 / 25 / 1, the covariance term inside the places and inside the summary; the paper uses 10 / 10 / 100.
- Modalities are kept with probability 0.6 (paper: 0.9), and at least one always stays visible.
- 60 s windows of the wrist device every 10 s over whole recordings, labelled or not; the paper uses 1,000 samples of the chest device.
- AdamW with a cosine schedule and batches of 512 windows; the paper uses Adam and batches of 8.

The paper-faithful configuration is the recipe `crossl-paper`.""",
    data="""\
Trained on the wrist part of WESAD (15 subjects, 29.7 hours; Schmidt et al., ICMI 2018) without its labels. The data are not part
of this package: obtain them from their authors. Thresholds of the fixed front end were measured on one recording of the Stress-Predict data
set (MIT licence; Iqbal et al., Sensors 2022). The weights are published under the Apache-2.0 licence.""",
    limits="""\
- Fifteen people in one laboratory protocol with one wristband model: margins inside an interval are ties.
- These weights have seen all 15 subjects. The figures come from five models of the same recipe, each trained without the subjects it was
  judged on; judging the published weights on WESAD would leak.
- The recipe was chosen on these same 15 people: about fifty variants (`benchmarks/results/selection`) were compared by validation inside
  the training subjects of each group, averaged over groups, so that every person's labels had a say, and test scores of one earlier
  candidate had been seen.
  By how much this flatters the figures was not measured. No search like it is on record for the peers.
- *Normalised per subject* needs a recording of the person through different states, without labels; it is not available at once.
- Shares are computed for 60 s windows at the E4's rates; other devices are resampled and were not measured.
- Not a medical device, and no detector of anybody's stress outside the laboratory.""",
    cite="""\
Deldari et al.: CroSSL: Cross-modal Self-Supervised Learning for Time-series through Latent Masking. WSDM 2024, arXiv:2307.16847.
Schmidt, Reiss, Duerichen, Marberger, Van Laerhoven: Introducing WESAD, a Multimodal Dataset for Wearable Stress and Affect Detection.
ICMI 2018. Bardes, Ponce, LeCun: VICReg: Variance-Invariance-Covariance Regularization. ICLR 2022, arXiv:2105.04906.""",
)

#: By the name of the model, which is also its row in the results.
PROSE = {"crossl-wesad": CROSSL_WESAD}
