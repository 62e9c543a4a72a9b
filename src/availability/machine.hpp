// Availability as a pure machine: forms batches of the own lane, acknowledges those of others,
// makes certificates of a quorum's acknowledgements, and fetches what was decided until it is held
// (docs/protocol.md, section 1).
//
// Inputs are `on_*`, effects come out in order; a Send leaves only after every Save before it is
// durable, so the machine never waits. No input from another participant can make it abort, and all
// that it keeps is bounded.
//
// Life: construct, resume_from() if the database knows an executed cut, recover() each journal
// record in order, start(), then inputs.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "availability/canaries.hpp"
#include "availability/dispersal.hpp"
#include "availability/error.hpp"
#include "availability/lane.hpp"
#include "availability/own_lane.hpp"
#include "availability/refusal.hpp"
#include "availability/say_again.hpp"
#include "base/allowance.hpp"
#include "model/effects.hpp"

namespace tally::availability {

/// A certificate was checked and is now held. Once for each (lane, height) above the cut, and
/// in start() for those recovered.
struct Certified {
    model::LaneCertificate certificate;
};
/// A batch is held, whole or void: to be put into the database, from which FetchBatch is answered.
/// Once for each (lane, height, header hash); it may come before the certificate, and in any order.
struct BatchHeld {
    std::shared_ptr<const HeldBatch> batch;
};
/// The own cells of a batch that is coded: to be put into the database, from which FetchCells is
/// answered. They may come before the batch is held, and again.
struct CellsHeld {
    model::BatchCells cells;
};
using Effects = model::EffectList<Certified, BatchHeld, CellsHeld>;

struct Config {
    model::Self self;
    model::Parameters parameters;
    uint64_t batch_delay_us = 20'000;
    size_t submitted_bytes_max = 64ull * 1024 * 1024;
    /// Of this network; null: one whose ledgers are all `coded`.
    std::shared_ptr<const Coder> coder = nullptr;
    StoredCells stored_cells = nullptr;
    Canaries canaries = {};
};

class Machine {
public:
    explicit Machine(Config config);

    /// Everything up to this cut is executed and needed no more. `total_bytes`: of each lane at
    /// that cut, from the tip's header (zero at height zero).
    void resume_from(const model::Cut& executed, std::span<const uint64_t> total_bytes);
    /// A journal record, in the journal's order; kinds of no concern are ignored. A Decision counts
    /// as on_decided(). Returns what the record holds of a batch above the executed cut, so that
    /// the database can have it again. The journal must keep the newest two OwnBatchRecords, the
    /// newest own LaneCertificate, and each lane's newest CellsRecord.
    struct Recovered {
        std::shared_ptr<const HeldBatch> batch;
        std::optional<model::BatchCells> cells;  ///< of a coded batch: the own ones
    };
    Recovered recover(const model::Record& record);
    /// In an epoch after the first: where the lanes stood when it began, and the header of the own
    /// lane's tip there (none at height zero, or if it is not needed any more). Once, before the
    /// first signer is set; only then are own batches made, and others' acknowledged.
    void begin_epoch(const model::Cut& last, std::optional<model::BatchHeader> own_tip);
    /// Whether the own lane's first batch of this epoch, or one still to be made, has to show
    /// `tip`.
    [[nodiscard]] bool needs_tip(const model::CutEntry& tip) const {
        return !own_ || (own_->header.parent == tip.header && !own_->certificate);
    }
    void start(model::Now now, Effects& effects);
    /// Signs with this from now on. Null: it signs nothing more, says nothing again that it signed,
    /// takes envelopes that wait, and goes on to follow and serve. At any time, before start() too.
    void set_signer(const Signer* signer, model::Now now, Effects& effects);
    /// Forgets the envelopes that no batch holds yet.
    void drop_waiting() { waiting_ = {}; }
    /// They, in the order of their arrival by forwarding; bounded by submitted_bytes_max, not by a
    /// batch.
    [[nodiscard]] model::Batch waiting() const { return waiting_.all(); }

    /// Takes an envelope for the next batch of the own lane; promises nothing until it is decided.
    /// AvailabilityError::busy when the queue is full.
    Result<void> submit(LedgerIndex ledger, Bytes envelope, model::Now now, Effects& effects);
    /// Fragment, Signed<Acknowledgement>, LaneCertificate (alone or in a Wake), BatchCells,
    /// BatchBody and FetchLaneCertificate; other kinds are ignored.
    void on_message(Participant from, const model::Message& message, model::Now now,
                    Effects& effects);
    void on_tick(model::Now now, Effects& effects);
    /// Moves the windows to this cut, holds the certificates that it names anew, drops what it
    /// makes useless, and fetches every batch that it decides and that is not held, until it is
    /// held. Slots in order; a quorum has checked all of it.
    void on_decided(const model::Decision& decision, model::Now now, Effects& effects);

    /// While not, nothing is asked for: what is decided may come to be needed no more.
    void set_fetching(bool wanted, model::Now now, Effects& effects);
    /// Everything up to this decided cut is needed no more (`total_bytes` as for resume_from()).
    void skip_to(const model::Cut& executed, std::span<const uint64_t> total_bytes);

    /// Monotonic time at which on_tick is due.
    [[nodiscard]] uint64_t next_wakeup_us() const;

    /// The certificate at this place if it is held still: those above the cut and a few below.
    [[nodiscard]] const model::LaneCertificate* certificate(Participant lane,
                                                            LaneHeight height) const;
    /// The height of this lane's last decided tip.
    [[nodiscard]] LaneHeight decided_through(Participant lane) const;
    /// Every batch of this lane that is decided up to here is held.
    [[nodiscard]] LaneHeight held_through(Participant lane) const;

    struct Status {
        LaneHeight own_height, own_certified;
        size_t waiting_envelopes = 0, waiting_bytes = 0, fetching = 0;
        uint64_t batches_made = 0, acknowledgements_signed = 0, certificates_held = 0,
                 batches_fetched = 0, void_batches = 0;
        /// Others know more of the own lane than the own journal does: it was lost, and this
        /// participant signs nothing more here.
        bool own_lane_unknown = false;
    };
    [[nodiscard]] Status status() const;
    [[nodiscard]] bool own_lane_unknown() const { return counted_.own_lane_unknown; }
    /// How often what was refused, by reason and sender.
    [[nodiscard]] const std::map<std::pair<Refusal, Participant>, uint64_t>& refusals() const {
        return refusals_;
    }

private:
    // machine.cpp: other lanes, and what all lanes share; retrieve.cpp: reading them
    void on_fragment(Participant from, const model::Fragment& fragment, model::Now now,
                     Effects& effects);
    void on_certificate(Participant from, const model::LaneCertificate& certificate, model::Now now,
                        Effects& effects);
    [[nodiscard]] bool is_fetched(Participant from, const model::BatchHeader& header,
                                  const Hash& hash);
    void after_reading(const model::BatchHeader& header, model::Now now, Effects& effects);
    void on_body(Participant from, const model::BatchBody& body, model::Now now, Effects& effects);
    void on_cells(Participant from, const model::BatchCells& message, model::Now now,
                  Effects& effects);
    void gather(const model::BatchHeader& header, const model::CellSet& cells, Effects& effects);
    const Gathering* gather_own(Participant index, const LanePlace& place);
    void keep_cells(const model::BatchHeader& header, model::CellSet cells, Effects& effects);
    [[nodiscard]] std::optional<Refusal> objection(const model::Fragment& fragment,
                                                   const Hash& hash) const;
    [[nodiscard]] bool is_certified(const model::LaneCertificate& certificate) const;
    [[nodiscard]] model::Signed<model::Acknowledgement> acknowledge(Participant lane,
                                                                    LaneHeight height,
                                                                    const Hash& header,
                                                                    model::Now now);
    void hold(std::shared_ptr<const HeldBatch> batch, Effects& effects);
    void hold_certificate(const model::LaneCertificate& certificate, bool save, Effects& effects);
    Recovered recover_own_batch(const model::OwnBatchRecord& record);
    Recovered recover_cells(const model::BatchHeader& header, const model::CellSet& cells);
    [[nodiscard]] bool is_wanted(const model::BatchHeader& header) const;
    void take_decision(const model::Decision& decision);
    void ask_for_missing(Lane& lane, Participant index, model::Now now, Effects& effects);
    void refresh_fetches(Lane& lane, model::Now now);
    /// Finds out what is to be fetched, and asks for what is due.
    void fetch(Participant lane, model::Now now, Effects& effects);
    void refuse(Refusal refusal, Participant from) { ++refusals_[{refusal, from}]; }
    [[nodiscard]] Place place_of(Participant lane, LaneHeight height) const;
    [[nodiscard]] std::optional<Refusal> objection_to_prefix(const model::Fragment& fragment,
                                                             uint64_t& bytes_before) const;
    [[nodiscard]] LaneHeight own_height() const {
        return own_ ? own_->header.height : begun_at_[config_.self.index.value].height;
    }
    [[nodiscard]] Lane& own_lane() { return lanes_[config_.self.index.value]; }
    [[nodiscard]] const Lane& own_lane() const { return lanes_[config_.self.index.value]; }

    // author.cpp: the own lane's author
    void on_acknowledgement(Participant from,
                            const model::Signed<model::Acknowledgement>& acknowledgement,
                            model::Now now, Effects& effects);
    [[nodiscard]] bool has_room() const;
    /// Monotonic time from which on a batch may be formed; never while something is missing.
    [[nodiscard]] uint64_t form_at_us() const;
    void form_batches(model::Now now, Effects& effects);
    void form_batch(model::Now now, Effects& effects);
    void speak_of_own(model::Now now, Effects& effects);
    [[nodiscard]] bool may_sign() const {
        return config_.self.signer != nullptr && !counted_.own_lane_unknown && epoch_begun_;
    }
    void acknowledge_own(model::Now now, Effects& effects);
    [[nodiscard]] bool gathers_more(model::Now now) const;
    [[nodiscard]] std::vector<model::AcknowledgementPart> picked() const;
    void certify_own(model::Now now, Effects& effects);
    void say_again(model::Now now, Effects& effects);
    void say_fragments(const Dispersal& dispersal, Effects& effects);
    [[nodiscard]] Dispersal own_dispersal() const;
    void notice_lost_journal();
    void recover_own(const model::OwnBatchRecord& record);

    Config config_;
    uint32_t count_;  ///< of lanes
    Quorum quorum_;
    Asker asker_;
    Slowness slowness_;
    std::vector<Lane> lanes_;
    Waiting waiting_;
    std::optional<OwnBatch> own_;
    model::Cut begun_at_;                        ///< where the lanes stood when this epoch began
    std::optional<model::BatchHeader> own_tip_;  ///< of the own lane, there
    bool epoch_begun_;
    bool started_ = false;
    bool fetching_ = true;
    SayAgain fragments_, certificates_;
    Status counted_;
    std::vector<Allowance> answers_;  ///< by who asks
    std::map<std::pair<Refusal, Participant>, uint64_t> refusals_;
};

}  // namespace tally::availability
