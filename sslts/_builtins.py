"""The one table of built-in components: kind -> name -> "module:Class". Strings only, so listing imports nothing."""

from __future__ import annotations

#: Number of the config.json format that this version writes.
SCHEMA = 1

#: kind -> the abstract base class that its components subclass.
BASES: dict[str, str] = {
    "encoder": "sslts.interfaces:Encoder",
    "masker": "sslts.interfaces:Masker",
    "aggregator": "sslts.interfaces:Aggregator",
    "fusion": "sslts.interfaces:Fusion",
    "predictor": "sslts.interfaces:Predictor",
    "objective": "sslts.interfaces:Objective",
    "text-encoder": "sslts.interfaces:TextEncoder",
    "head": "sslts.interfaces:FewShotHead",
    "method": "sslts.interfaces:Method",
    "reader": "sslts.data.reader:Reader",
    "captioner": "sslts.interfaces:Captioner",
}

#: kind -> entry-point group. A breaking change of an interface gets a new group (`sslts.v2.encoders`).
GROUPS: dict[str, str] = {kind: f"sslts.{kind.replace('-', '_')}s" for kind in BASES}

#: Entry-point group whose members are functions that return more catalogue entries.
CATALOGUE_GROUP = "sslts.catalogues"

BUILTINS: dict[str, dict[str, str]] = {
    "encoder": {
        "descriptor": "sslts.encoders.descriptor:Descriptor",
        "tcn": "sslts.encoders.tcn:TCN",
        "transformer": "sslts.encoders.transformer:Transformer",
        "described-transformer": "sslts.encoders.transformer:DescribedTransformer",
        "described-waves": "sslts.encoders.waves:DescribedWaves",
        "kernel-shares": "sslts.encoders.kernel_shares:KernelShareEncoder",
        "motion-profiles": "sslts.encoders.motion_profiles:MotionProfileEncoder",
        "video-vit": "sslts.encoders.video_vit:VideoViT",
        "sensor-patches": "sslts.encoders.sensor_patches:SensorPatches",
        "joint": "sslts.encoders.joint:JointEncoder",
    },
    "masker": {
        "random": "sslts.maskers.modality:RandomMasker",
        "spatial": "sslts.maskers.modality:SpatialMasker",
        "temporal": "sslts.maskers.temporal:TemporalMasker",
        "block": "sslts.maskers.blocks:BlockMasker",
        "cross-modal": "sslts.maskers.blocks:CrossModalMasker",
        "causal": "sslts.maskers.blocks:CausalMasker",
        "smoothing": "sslts.maskers.blocks:SmoothingMasker",
        "tube": "sslts.maskers.tube:TubeMasker",
        "synchronised": "sslts.maskers.tube:SynchronisedMasker",
        "independent": "sslts.maskers.tube:IndependentMasker",
    },
    "aggregator": {
        "concat-mlp": "sslts.aggregators.concat_mlp:ConcatMLP",
        "mean": "sslts.aggregators.mean:MeanAggregator",
        "attention": "sslts.aggregators.attention:AttentionAggregator",
        "completion": "sslts.aggregators.completion:Completion",
        "described": "sslts.aggregators.described:DescribedAggregator",
    },
    "fusion": {
        "concatenation": "sslts.fusion.concatenation:Concatenation",
        "cross-attention": "sslts.fusion.cross_attention:CrossAttention",
        "episodic-cross-attention": "sslts.fusion.cross_attention:EpisodicCrossAttention",
    },
    "predictor": {
        "latent": "sslts.predictors.latent:LatentPredictor",
        "patch-decoder": "sslts.predictors.patch_decoder:PatchDecoder",
    },
    "objective": {
        "vicreg": "sslts.objectives.vicreg:VICReg",
        "info-nce": "sslts.objectives.info_nce:InfoNCE",
        "cocoa": "sslts.objectives.cocoa:COCOA",
        "barlow-twins": "sslts.objectives.barlow_twins:BarlowTwins",
        "latent": "sslts.objectives.latent:LatentDistance",
        "smooth-l1": "sslts.objectives.latent:SmoothL1",
        "multi-resolution-l1": "sslts.objectives.latent:MultiResolutionL1",
        "semantic": "sslts.objectives.semantic:SemanticAlignment",
        "text-contrast": "sslts.objectives.semantic:TextContrast",
        "siglip": "sslts.objectives.semantic:SigLIP",
        "sigreg": "sslts.objectives.sigreg:SIGReg",
        "reconstruction": "sslts.objectives.reconstruction:Reconstruction",
    },
    "text-encoder": {
        "minilm": "sslts.text.minilm:MiniLM",
        "sentence-transformers": "sslts.text.sentence_transformers:SentenceTransformers",
        "static": "sslts.text.static:StaticText",
    },
    "head": {
        "linear": "sslts.heads.linear:LinearHead",
        "logistic": "sslts.heads.logistic:LogisticHead",
        "ridge": "sslts.heads.ridge:RidgeHead",
        "prototypes": "sslts.heads.prototypes:PrototypeHead",
        "attended-prototypes": "sslts.heads.attended_prototypes:AttendedPrototypesHead",
        "matching": "sslts.heads.matching:MatchingHead",
        "relation": "sslts.heads.relation:RelationHead",
        "label-propagation": "sslts.heads.label_propagation:LabelPropagationHead",
    },
    "method": {
        "crossl": "sslts.methods.crossl:CroSSL",
        "sensor-text-jepa": "sslts.methods.sensor_text_jepa:SensorTextJEPA",
        "mu-mae": "sslts.methods.mu_mae:MuMAE",
    },
    "reader": {
        "empatica-e4": "sslts.data.readers.e4:EmpaticaE4",
        "wesad": "sslts.data.readers.wesad_pickle:WESAD",
        "wesad-wrist": "sslts.data.readers.wesad_e4:WESADWrist",
        "csv": "sslts.data.readers.table:CSVReader",
        "dsads": "sslts.data.readers.daily_sports:DSADS",
        "motionsense": "sslts.data.readers.motion_sense:MotionSense",
        "utd-mhad-inertial": "sslts.data.readers.utd_inertial:UTDInertial",
        "utd-mhad": "sslts.data.readers.utd_clips:UTDClips",
        "mmact": "sslts.data.readers.mmact_clips:MMAct",
        "uci-har": "sslts.data.readers.smartphone_har:UCIHAR",
        "hapt": "sslts.data.readers.smartphone_hapt:HAPT",
        "pamap2": "sslts.data.readers.pamap:PAMAP2",
        "mhealth": "sslts.data.readers.mhealth_log:MHealth",
        "opportunity": "sslts.data.readers.opportunity_log:Opportunity",
        "synthetic": "sslts.data.synthetic:Synthetic",
    },
    "captioner": {
        "motion": "sslts.text.captions:MotionCaptioner",
    },
}
