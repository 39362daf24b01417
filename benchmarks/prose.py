"""What people wrote about each published model; the figures of its card come from the results files (`benchmarks.card`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prose:
    """A model's card without its figures.

    protocols: whose results the card and the metrics show, the headline's first
    datasets: what the published weights were trained on
    untrained, trained: what the network with random weights has in common with ours, and what training does
    """

    protocols: tuple[str, ...]
    datasets: tuple[str, ...]
    what: str
    differs: str
    data: str
    limits: str
    cite: str
    untrained: str
    trained: str


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
    untrained="the fixed front end and its principal components",
    trained="latent masking",
)

SENSOR_TEXT_JEPA_HAR = Prose(
    protocols=("dsads-loso", "motionsense-6fold", "har-zero-shot", "har-retrieval"),
    datasets=("dsads", "motionsense", "utd-mhad-inertial"),
    what="""\
Sensor-text JEPA (Dutta et al. 2026) for body-worn motion sensors: one embedding for each 5 s of whatever accelerometers, gyroscopes and
magnetometers are there, each channel known by its description ("acceleration along the thigh, phone in a trouser pocket") and not by its
place in a list. A context encoder reads what is visible of a window, a predictor infers what a slowly moving copy of the encoder makes of
hidden stretches and of hidden sensors, and what is read of the whole should meet the words that describe the activity. The embedding has
three parts: what is kept of the window, for classifiers; 64 numbers that compare with windows of other sensors; and 192 in the space of
the text tower, for `classify` and `search`.

For naming and searching everyday activities and exercise by words, across phones, wrists, arms, legs and trunk, and as features for a
classifier of one's own. Try it on recordings of one's own that are labelled before relying on it.""",
    differs="""\
- Patches of 2.5 s enter the encoder as fixed descriptions (statistics and kernel shares, standardised and rotated to principal
  components), not as raw samples through a learned convolution.
- Channels also add to places that belong to descriptions (`described`), so that what is said does not forget which channel said it; the
  128 leading components of that are what is kept of a window.
- An agreement term (InfoNCE) makes two disjoint parts of one window meet, so that windows of different sensors can be compared.
- The linear map to the text space is not what gradient steps left: after the last step it is solved in closed form. With the encoder
  fixed, ridge regression from what channels and the predictor say of a window to the middle of its activity's wordings has one solution.
  Every training window enters once as it was recorded, with all its sensors, and as often changed, with a few; there are two maps, for
  few sensors and for many, each at the scale of its own windows. It sends a window to the mean of the texts of windows like it: some two
  hundred wordings of fifty activities are all it has met. An activity that training did not name lies between those it did, and is told
  by its likeness to them; the tables say how far that reaches (unseen classes).
- The text space is evened out half-way, so that the few directions which all names share do not drown what tells them apart.
- Training windows carry wordings of their activity's name; descriptions do not say where sensors sit in a tenth of the steps, and
  devices are turned at random, a third of them arbitrarily.
- One layer and 128 numbers a token: small enough to be trained on two cores.""",
    data="""\
Trained on DSADS (8 people, 19 activities, five body-worn units; Altun, Barshan and Tuncel 2010), MotionSense (people other than
sub_24, 6 activities, a phone in the trouser pocket; Malekzadeh et al. 2019) and the inertial part of UTD-MHAD (8 people, 27 actions, one
unit on the wrist or thigh; Chen, Jafari and Kehtarnavaz 2015), with the names of their activities as words. dsads:p7 and sub_22 and
sub_23 of MotionSense were held out: the temperature of `classify` is fitted on them. The data are not part of this package, except six
trials of sub_24: obtain them from their authors, and cite them. MotionSense is under the MIT licence, UTD-MHAD is called a public domain
data set by its authors; for DSADS we could confirm no licence, and nothing of it is shipped. The bundled text tower is distilled from
all-MiniLM-L6-v2 (Apache-2.0) and holds none of its weights. The weights are published under the Apache-2.0 licence.""",
    limits="""\
- English only. Other languages and words that the tower does not know are warned of, not understood.
- Activities like those it was trained on: postures, walking, stairs, running, cycling, rowing and other exercise, and single gestures.
  A name always wins in `classify`: an activity that none of the names describes is given to the nearest one all the same.
- The bundled text tower is a small static one: a text is the sum of its words, bent by one hidden layer. It knows no word order
  ("sitting, then running" is "running, then sitting"), and a negation ("not walking") is one more word. The weights fit this tower
  alone: `minilm` needs a training of its own.
- These weights have seen the people of DSADS, MotionSense and UTD-MHAD, except sub_24, dsads:p7 and sub_22 and sub_23 of MotionSense.
  sub_24 is the bundled sample, so that the demonstration shows a person whom the model does not know. All figures come from models of
  the same recipe that did not see the people, the data set or the classes that they were judged on; judging the published weights on
  these data sets would leak.
- The method was chosen on p3 and p7 of DSADS, who are test people of one of its four groups: their figures flatter it. p1 and p5 were
  looked at in an earlier version, MotionSense's figure before features had two scales (chosen then on a leg of DSADS that training
  had not seen). By how much this flatters the figures was not measured.
- From DSADS to the phones of MotionSense it names little rightly: walking with a phone in the pocket is as forceful as what DSADS knows
  as running, and sitting and standing differ by how the device hangs, which training takes for chance. Label a few windows of one's own.
- The fixed descriptions of patches and the closed form carry most of it: with random weights in the encoder, a probe and naming by words do
  as well (the tables have that row). What training adds is finding the same moment from another part of the body.
- Few people, following a protocol: 8 in DSADS, 24 in MotionSense, 8 in UTD-MHAD. Margins inside an interval are ties.
- Zero-shot figures depend on the wording; the tables show the spread over five.
- Which activity is meant is told by position as well: one wrist alone does not see the legs. A device that sits elsewhere than its
  description says is misread.
- Not a medical device, no fall detector, and no means to watch people without their consent.""",
    cite="""\
Dutta et al.: Giving Sensors a Voice: Multimodal JEPA for Semantic Time-Series Embeddings. ICML 2026, arXiv:2605.31580. Altun, Barshan,
Tuncel: Comparative study on classifying human activities with miniature inertial and magnetic sensors. Pattern Recognition 43(10), 2010.
Malekzadeh, Clegg, Cavallaro, Haddadi: Mobile Sensor Data Anonymization. IoTDI 2019. Chen, Jafari, Kehtarnavaz: UTD-MHAD: A Multimodal
Dataset for Human Action Recognition Utilizing a Depth Camera and a Wearable Inertial Sensor. ICIP 2015. Wang et al.: MiniLM: Deep
Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers. NeurIPS 2020, arXiv:2002.10957.""",
    untrained="the fixed front end with its principal components, the places of descriptions and the closed form",
    trained="training",
)

MU_MAE_UTD_MHAD = Prose(
    protocols=("utd-one-shot",),
    datasets=("utd-mhad",),
    what="""\
Mu-MAE (Liu and Liu 2024): a masked autoencoder of video and wearables that recognises actions from one example each. Tubelets of a depth
video and slots of the sensors' time are hidden, nine in ten, and filled in from the rest by one ViT and a small decoder for each modality.
For recognition, what the ViT makes of a whole clip stands beside what each modality says alone, and what base classes teach about comparing
clips is a closed form: repetitions of one action by one and by several people should lie close. A clip is a depth video (96 x 96, 16
frames), acceleration and angular velocity of one inertial sensor, and a skeleton of 20 joints, each over the whole clip whatever it lasts;
any of them may be missing.

For trying few-shot recognition and for building on it. It knows single movements of a person in front of a camera, cut to the movement.""",
    differs="""\
- Depth in place of colour video, and a small ViT (width 192, 6 layers) over 288 + 3 x 16 tokens, so that two cores can train it. The
  paper's own sizes are the recipes `mu-mae-paper-small` and `mu-mae-paper-base`.
- The unimodal encoders are fixed: shares of kernels and principal components for the sensors (`kernel-shares`), and for depth the same of
  how much moves by row, column and distance (`motion-profiles`). What the ViT learned is the joint view; the table of trials shows how far
  it comes alone.
- Stage 2 leaves the encoders as they are. Each view is whitened by the covariance within base classes, and the fusion puts views side
  by side; how much each view counts, and how far its whitening is drawn to a sphere, is chosen on validation classes
  (`concatenation`). The paper's fusion attends along the clips of an episode, so that a query is judged by the other queries: here that is
  `episodic-cross-attention`, which cannot serve an embedding. The table of trials says what attention over a clip's own modalities does.
- The state that is kept is the one that recognises validation classes best. The released code reports the best of several tests on the
  novel classes.
- Support and query never share a person; all eight people were trained on, doing other actions.""",
    data="""\
Trained on UTD-MHAD (8 people, 27 actions; Chen, Jafari and Kehtarnavaz 2015, called a public domain data set by its authors): stage 1 on
the clips of 13 base classes without their names, stage 2 on the same clips with them; five validation classes (right arm swipe to the left,
basketball shoot, front boxing, right hand knock on door, stand to sit) only chose what is kept. Nine classes were never read: right hand
wave, cross arms in the chest, draw circle clockwise, bowling, tennis right hand forehand swing, two hand push, right hand pick up and
throw, sit to stand, squat. Depth was reduced to the people and averaged down. Ten clips of novel classes come with this package. The
weights are published under the Apache-2.0 licence.""",
    limits="""\
- Eight people, one room, one camera in front of them, one inertial sensor whose place (right wrist, or right thigh for six actions)
  depends on the action: with inertial data, which actions are asked for matters much, and the folds differ accordingly.
- It chooses between the classes that it has examples of and cannot say that none of them fits.
- Depth is in metres, and 0 wherever the person is not: that is how the clips come that it was trained on, cut to the person, who fills
  most of the height. A wall behind, or a person small in the frame, was never seen. A frame that holds NaN counts as lost as a whole.
- Clips are cut to one movement; it does not find movements in a long recording.
- Fixed views and whitening carry the figures: what pretraining adds to the same model with random weights is said above, and is within
  a point. The ViT alone recognises fewer than the fixed views do, and with random weights as many. Some hundred clips may be too few.
- How sensors are masked hardly matters on this data: beside fixed views, masks drawn for each sensor alone, or fewer hidden patches,
  change tenths of a point. For the ViT alone they go both ways: synchronised masks are ahead with depth and inertial data and behind with
  all, and so is nine in ten hidden against three quarters; against half it is the other way round. Each is one training on one fold:
  such differences may be chance.
- Cross-attention over a clip's own modalities and the paper's head, trained on episodes, change nothing: validation keeps the state that
  they start from, which is concatenation with cosine prototypes, or one that is no better.
- These weights are those of fold 0. Figures of the other folds come from models of the same recipe that were trained without the classes
  that they were judged on.
- Only fold 0 is clean. That views are whitened within classes, and how depth is described (`motion-profiles`, the best of several), was
  decided on classes which fold 0 trains or selects with; all novel classes of folds 1 and 2 are among them. By how much this flatters
  their figures was not measured.
- All figures are of the eight people that it was trained on, who do other actions there. People never seen were not tried.
- Beside inertial data and a skeleton, depth adds nothing in the mean of the folds: one example is recognised a little less often with it.
- Not a medical device, and no means to watch people without their consent.""",
    cite="""\
Liu, Liu: Mu-MAE: Multimodal Masked Autoencoders-Based One-Shot Learning. IEEE MIPR 2024, arXiv:2408.04243. Chen, Jafari, Kehtarnavaz:
UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing a Depth Camera and a Wearable Inertial Sensor. ICIP 2015. Tong,
Song, Wang, Wang: VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video Pre-Training. NeurIPS 2022. Dempster,
Schmidt, Webb: MiniRocket: A Very Fast (Almost) Deterministic Transform for Time Series Classification. KDD 2021.""",
    untrained="the fixed views of each modality and the whitening",
    trained="masked reconstruction",
)

#: By the name of the model, which is also its row in the results.
PROSE = {"crossl-wesad": CROSSL_WESAD, "sensor-text-jepa-har": SENSOR_TEXT_JEPA_HAR, "mu-mae-utd-mhad": MU_MAE_UTD_MHAD}
