#include "tools/volume_choice.h"

#include <algorithm>
#include <map>
#include <set>

#include "lib/base/error.h"
#include "metadata/edit_remove.h"
#include "metadata/volume_finder.h"
#include "tools/volume_name.h"

namespace cv::tools {

using namespace metadata;

namespace {

bool has_tag(const std::vector<std::string>& tags, const std::string& tag) {
  return std::ranges::find(tags, tag) != tags.end();
}

class Choice {
 public:
  explicit Choice(const Scan& scan) : scan_(scan) {}

  void add(const std::string& word) {
    if (word.starts_with("@")) return add_tagged(word.substr(1));
    const VolumeName name = parse_volume_name(word);
    const VolumeGroup& vg = group_at(scan_, name.vg).vg;
    if (!name.lv) return add_group(vg);
    if (finder_of(vg).find_lv(*name.lv) == nullptr) static_cast<void>(lv_at(vg, *name.lv));  // says so
    add_volume(vg, *name.lv);
  }

  std::vector<ChosenVolumes> take() && { return std::move(chosen_); }

 private:
  void add_tagged(const std::string& tag) {
    bool found = false;
    for (const FoundGroup& group : scan_.groups) {
      if (has_tag(group.vg.tags, tag)) {
        add_group(group.vg);
        found = true;
        continue;
      }
      for (const std::string& name : in_order_of_removal(group.vg)) {
        if (!has_tag(finder_of(group.vg).find_lv(name)->tags, tag)) continue;
        add_volume(group.vg, name);
        found = true;
      }
    }
    if (!found) throw Error(Errc::not_found, "nothing has the tag {}", tag);
  }

  void add_group(const VolumeGroup& vg) {
    in_group(vg);
    for (const std::string& name : in_order_of_removal(vg)) add_volume(vg, name);
  }

  void add_volume(const VolumeGroup& vg, const std::string& lv) {
    if (seen_.emplace(vg.name, lv).second) in_group(vg).lvs.push_back(lv);
  }

  VolumeFinder& finder_of(const VolumeGroup& vg) { return finders_.try_emplace(&vg, vg).first->second; }

  ChosenVolumes& in_group(const VolumeGroup& vg) {
    const auto found = std::ranges::find(chosen_, vg.name, &ChosenVolumes::vg);
    return found != chosen_.end() ? *found : chosen_.emplace_back(ChosenVolumes{vg.name, {}});
  }

  const Scan& scan_;
  std::map<const VolumeGroup*, VolumeFinder> finders_;
  std::vector<ChosenVolumes> chosen_;
  std::set<std::pair<std::string, std::string>> seen_;
};

}  // namespace

std::vector<ChosenVolumes> chosen_volumes(const Scan& scan, const std::vector<std::string>& words) {
  Choice choice(scan);
  for (const std::string& word : words) choice.add(word);
  return std::move(choice).take();
}

}  // namespace cv::tools
