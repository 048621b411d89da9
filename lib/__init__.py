"""The study in rooms; imports go one way, as tests/test_house.py checks.

strict <- attention <- surgery <- models          strict <- data <- plots
data, models <- study <- training <- probes       study <- evidence <- report

attention.py, surgery.py   the paper's idea, and a pre-trained ViT in which it replaces the attention
classify.py                a trained model, used on new files
strict.py                  the project's folder, the error that users read, YAML files with every mistake named
data/                      archives, decoding, the catalogue of data sets, photographs, groups, splits, drawings
models/                    every network that a study may name
study/                     parameters; where everything of a study stands; when a run is finished
training/                  batches, epochs, checkpoints, processes; pre-training; a cluster
probes/                    what notebook 04 measures of an attention: ties, maps, costs
evidence/                  predictions -> scores, intervals, differences, claims (no torch)
plots/                     figures and charts from tables (no torch)
report/                    notebooks -> pages
__main__.py                the command line: python -m lib --help
"""
