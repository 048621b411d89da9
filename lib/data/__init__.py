"""From archives to tables: everything before training, without torch.

    archive --fetch, archives, decoding, datasets--> images.csv, pixels.npy
        --photos, groups--> groups.csv --splits--> split.csv

`catalogue` describes the data sets, `phantoms` draws some of them, `labels` and `files` write what all the others use.
"""
