#include "aggregator/query/few_rows.h"

#include <algorithm>

#include "aggregator/query/prefetch.h"

namespace fleetqshape {

void FewRows::Add(size_t relay) {
  AskForTable(relay + 1);
  Passing& passing = passing_[added_ % kSteps];
  passing.first_piece = scan_.first_pieces()[relay];
  passing.end_piece = scan_.first_pieces()[relay + 1];
  FindNames(&passing);
  Advance();
}

void FewRows::Finish() {
  for (size_t step = 1; step < kSteps; ++step) {
    Passing& passing = passing_[added_ % kSteps];
    passing.end_piece = passing.first_piece;
    passing.found.clear();
    Advance();
  }
}

void FewRows::Advance() {
  const auto before = [this](size_t steps) -> Passing& {
    return passing_[(added_ + kSteps - steps) % kSteps];
  };
  FindInBlocks(&before(1));
  AskForArrivals(before(2));
  AddLists(before(3));
  before(3).lists.clear();
  ++added_;
}

// The first names of a relay are those that most messages have.
void FewRows::AskForTable(size_t relay) const {
  constexpr size_t kFirstNames = 256;
  const std::vector<uint32_t>& first_pieces = scan_.first_pieces();
  if (relay + 1 >= first_pieces.size()) return;
  const std::vector<Piece>& pieces = scan_.pieces();
  Prefetch(pieces[first_pieces[relay]].fleet_ids.subspan(0, kFirstNames));
  for (uint32_t i = first_pieces[relay]; i < first_pieces[relay + 1]; ++i) {
    Prefetch(absl::MakeConstSpan(pieces[i].block, 1));
  }
}

void FewRows::FindNames(Passing* relay) const {
  constexpr size_t kFirstNames = 128;
  constexpr size_t kNamesForEach = 32;
  names_.FindIn(scan_.pieces()[relay->first_piece].fleet_ids, all_ids_, &relay->found);
  if (relay->found.empty()) return;
  const size_t ids = std::min<size_t>(relay->found.back().name_id,
                                      std::max(kFirstNames, kNamesForEach * relay->found.size()));
  for (uint32_t i = relay->first_piece; i < relay->end_piece; ++i) {
    Prefetch(absl::MakeConstSpan(scan_.pieces()[i].block->name_ids).subspan(0, ids));
  }
}

void FewRows::FindInBlocks(Passing* relay) {
  for (uint32_t index = relay->first_piece; index < relay->end_piece; ++index) {
    const Block& block = *scan_.pieces()[index].block;
    FindInBlock(block, relay->found, &in_block_);
    for (const FoundInBlock& one : in_block_) {
      relay->lists.push_back({rows_[one.name], index, one.index});
      __builtin_prefetch(block.offsets.data() + one.index);
    }
  }
}

void FewRows::AskForArrivals(const Passing& relay) const {
  for (const List& list : relay.lists) {
    const Block& block = *scan_.pieces()[list.piece].block;
    block.arrivals.Visit([&](const auto values) {
      Prefetch(ListOf(block, values, list.name).subspan(0, kForeseen));
    });
  }
}

void FewRows::AddLists(const Passing& relay) {
  for (const List& list : relay.lists) {
    const Block& block = *scan_.pieces()[list.piece].block;
    block.arrivals.Visit(
        [&](const auto values) { part_->Add(list.row, list.piece, list.name, values); });
  }
}

}  // namespace fleetqshape
