// Every text of LVM2 among the fixtures that can be read, and some of what a later LVM2 may write.
#pragma once

#include <string>
#include <vector>

#include "metadata/group_text.h"

namespace cv::test {

struct GoodText {
  std::string path;  ///< below tests/
  metadata::TextForm form = metadata::TextForm::on_disk;
};
std::vector<GoodText> good_texts();

}  // namespace cv::test
