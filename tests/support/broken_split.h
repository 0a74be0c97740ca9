// A vgsplit that ends between two of its commits.
#pragma once

#include "metadata/store.h"

namespace cv::test {

/// Splits the last PV of "vg0", on which no volume lies, off into "vg1", and stops after the first of its
/// three commits (the new group is written) or the second (the old one has gone on without the PV).
void begin_split(metadata::MetadataStore& store, unsigned commits);

/// Both changes are prepared and neither is valid; they end in the order in which a split commits them.
void prepare_split(metadata::TwoChanges& change);

}  // namespace cv::test
