// Tags of groups, PVs and volumes: what one may look like, and taking and giving them.
#pragma once

#include <string>
#include <vector>

namespace cv::metadata {

/// LVM2's rule. Throws Errc::bad_name.
void require_tag(const std::string& tag);

/// Takes and gives tags; each is there once. Throws Errc::bad_name for one that can't be a tag.
void change_tags(std::vector<std::string>& tags, const std::vector<std::string>& added,
                 const std::vector<std::string>& deleted);

/// All of both, each once.
void join_tags(std::vector<std::string>& tags, const std::vector<std::string>& others);

}  // namespace cv::metadata
