#include "metadata/tags.h"

#include <algorithm>
#include <string_view>

#include "lib/base/error.h"

namespace cv::metadata {

void require_tag(const std::string& tag) {
  constexpr std::string_view kLegal =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-/=!:&#";
  if (!tag.empty() && tag.front() != '-' && tag.find_first_not_of(kLegal) == std::string::npos) return;
  throw Error(Errc::bad_name, "'{}' can't be a tag", tag)
      .advise("a tag has letters, digits and _ + . - / = ! : & #, and does not begin with a hyphen");
}

void change_tags(std::vector<std::string>& tags, const std::vector<std::string>& added,
                 const std::vector<std::string>& deleted) {
  std::ranges::for_each(added, require_tag);
  std::ranges::for_each(deleted, require_tag);
  for (const std::string& tag : deleted) std::erase(tags, tag);
  join_tags(tags, added);
}

void join_tags(std::vector<std::string>& tags, const std::vector<std::string>& others) {
  for (const std::string& tag : others)
    if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
}

}  // namespace cv::metadata
