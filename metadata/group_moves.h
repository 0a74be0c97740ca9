// Changes that no single commit can make: two groups at once, or a group under another id. Each writes first
// what a scan can tell from its end, so that a power cut leaves the old state or one that the next change
// finishes (docs/decisions/0022).
#pragma once

#include "metadata/edit_split.h"
#include "metadata/store.h"

namespace cv::metadata {

/// `change` is of begin_with_new(): the group that is split, and the new one.
void commit_split(TwoChanges& change, const Split& split);
/// Goes on where an interrupted split stopped. Takes the locks of both groups.
void finish_split(MetadataStore& store, const UnfinishedSplit& split);

/// `change` is of begin_two(): the group that takes the other in, and the other. `merged` is of
/// merge_groups().
void commit_merge(TwoChanges& change, VolumeGroup merged);

/// Commits `next` of change_id().
void commit_id(Transaction& change, VolumeGroup next);

/// Once no area holds a text of what the group supersedes: forgets that it does. Before, writes the areas
/// that still do. No effect on any other group.
void settle(Transaction& change);

}  // namespace cv::metadata
