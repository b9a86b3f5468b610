//! What is counted, and what is told of the portfolio as it is.

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($(#[$of:meta])* $type:ident {$($(#[$doc:meta])* $name:ident = $text:literal;)*}) => {
        $(#[$of])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type {$($(#[$doc])* $name),*}

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name as it is written.
            pub const fn name(self) -> &'static str {
                match self {$(Self::$name => $text),*}
            }

            /// The one with this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

names! {
    /// What is counted.
    Counter {
        /// Calls to action that were opened.
        CtasOpened = "ctas_opened";
        /// Calls to action that somebody carried out.
        CtasCarriedOut = "ctas_carried_out";
        /// Calls to action that somebody found to be of no use.
        CtasDismissed = "ctas_dismissed";
        /// Calls to action whose reason ended by itself.
        CtasEndedByThemselves = "ctas_ended_by_themselves";
        /// Cases that were opened.
        CasesOpened = "cases_opened";
        /// Times that a case was resolved.
        CasesResolved = "cases_resolved";
        /// Seconds from the opening to the resolution of cases, all together.
        CaseSeconds = "case_seconds";
        /// Cases that were answered for the first time.
        CasesAnswered = "cases_answered";
        /// Seconds from the opening to the first answer, all together.
        AnswerSeconds = "answer_seconds";
        /// Cases that were resolved without waiting on the customer and without having been resolved before.
        CasesResolvedAtFirstContact = "cases_resolved_at_first_contact";
        /// Times that a case came back after it was resolved.
        CasesReopened = "cases_reopened";
        /// Escalations that were opened.
        EscalationsOpened = "escalations_opened";
        /// Escalations that somebody took on.
        EscalationsTakenOn = "escalations_taken_on";
        /// Seconds from the opening to the taking on of escalations, all together.
        TakeOnSeconds = "take_on_seconds";
        /// Times at which the next ones had to be told because nobody took an escalation on.
        EscalationsAdvanced = "escalations_advanced";
        /// Escalations that ended.
        EscalationsResolved = "escalations_resolved";
        /// Seconds from the opening to the end of escalations, all together.
        EscalationSeconds = "escalation_seconds";
        /// Clocks that ran out.
        SlaBreaches = "sla_breaches";
        /// Steps of playbooks that were settled.
        StepsSettled = "steps_settled";
        /// Those of them that nobody had to settle.
        StepsByMachine = "steps_by_machine";
        /// Those of them that people settled.
        StepsByPeople = "steps_by_people";
        /// Those of them that had a day on which they were due.
        StepsDue = "steps_due";
        /// Those of them that were late.
        StepsLate = "steps_late";
        /// Messages of playbooks that went out without anybody's doing.
        EffectsSent = "effects_sent";
        /// Those of them that went to a customer.
        OutreachSent = "outreach_sent";
        /// Playbooks that were begun.
        PlaybooksStarted = "playbooks_started";
        /// Playbooks that were carried through.
        PlaybooksCompleted = "playbooks_completed";
        /// Seconds from the beginning to the end of those, all together.
        PlaybookSeconds = "playbook_seconds";
        /// Playbooks that ended before.
        PlaybooksCancelled = "playbooks_cancelled";
        /// Onboardings that ended, carried through or not.
        OnboardingsEnded = "onboardings_ended";
        /// Onboardings that were carried through.
        OnboardingsCompleted = "onboardings_completed";
        /// How likely customers would recommend: answers.
        NpsAnswers = "nps_answers";
        /// Answers of 9 and 10.
        NpsPromoters = "nps_promoters";
        /// Answers of 0 to 6.
        NpsDetractors = "nps_detractors";
        /// How satisfied customers are: answers.
        CsatAnswers = "csat_answers";
        /// All these answers together, in hundredths of a percent.
        CsatHundredths = "csat_hundredths";
    }
}

names! {
    /// A figure that is not a count: what the portfolio is at the moment, or what became of it.
    Given {
        /// Accounts that are customers.
        Accounts = "accounts";
        /// The share of scored accounts that are healthy or champions, in percent.
        HealthyShare = "healthy_share";
        /// Gross revenue retention over a year, in percent.
        GrossRetention = "gross_retention";
        /// Net revenue retention over a year, in percent.
        NetRetention = "net_retention";
        /// The share of customers of a year ago that are still there, in percent.
        LogoRetention = "logo_retention";
        /// What those who were there a year ago pay more, for what they paid, in percent.
        ExpansionRate = "expansion_rate";
        /// The share of contracts that ended within a year and went on, in percent.
        RenewalRate = "renewal_rate";
        /// What a customer pays in all the years that customers stay, by the last year's losses.
        LifetimeValue = "lifetime_value";
        /// The share of risks that were taken up and whose account rose within the window, in percent.
        InterventionSuccess = "intervention_success";
        /// That share, less the one of those for whom nothing was done, in points.
        InterventionLift = "intervention_lift";
        /// The share of opportunities after which the account paid more within the window, in percent.
        UpsellSuccess = "upsell_success";
        /// Seconds from a customer's start to its first opportunity, in the mean.
        ExpansionIdentified = "expansion_identified";
        /// Accounts for each customer success manager who has any.
        AccountsPerCsm = "accounts_per_csm";
        /// The share of features in use, the mean of accounts, in percent.
        FeatureAdoption = "feature_adoption";
        /// Cost that customers saved, the mean of accounts, in percent.
        CostSaving = "cost_saving";
        /// Effort that customers saved, the mean of accounts, in percent.
        EffortReduction = "effort_reduction";
        /// The share of accounts that are rather willing than not to be a reference, in percent.
        References = "references";
        /// The share of accounts with nothing unusual about their data, in percent.
        DataQuality = "data_quality";
        /// The share of people who look or act on a working day, in percent.
        DailyAdoption = "daily_adoption";
        /// What a person gets done on a day on which they do anything.
        WorkPerDay = "work_per_day";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_written_as_it_is_named() {
        for counter in Counter::ALL {
            assert_eq!(serde_json::to_value(counter).unwrap(), counter.name());
            assert_eq!(Counter::named(counter.name()), Some(*counter));
        }
        for given in Given::ALL {
            assert_eq!(serde_json::to_value(given).unwrap(), given.name());
            assert_eq!(Given::named(given.name()), Some(*given));
        }
    }
}
