use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use tenantry_kernel::{OrganizationId, Revision, UserId};

use crate::{AdvisorId, Bill, NanoUsd, Reading, ReadingId, Route};

/// How much may be spent; none means as much as the other limits allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// By the organisation within a calendar month, in UTC.
    pub monthly: Option<NanoUsd>,
    /// By the organisation within a day, in UTC.
    pub daily: Option<NanoUsd>,
    /// By each of its members within a calendar month.
    pub per_user_monthly: Option<NanoUsd>,
    /// By each of its members within a day.
    pub per_user_daily: Option<NanoUsd>,
}

impl Budget {
    /// The tighter of the two, limit by limit.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        let tighter = |a: Option<NanoUsd>, b: Option<NanoUsd>| a.into_iter().chain(b).min();
        Self {
            monthly: tighter(self.monthly, other.monthly),
            daily: tighter(self.daily, other.daily),
            per_user_monthly: tighter(self.per_user_monthly, other.per_user_monthly),
            per_user_daily: tighter(self.per_user_daily, other.per_user_daily),
        }
    }
}

/// Which limits of a budget are to change, and to what: none for as much as the other limits allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetChange {
    /// [`Budget::monthly`].
    pub monthly: Option<Option<NanoUsd>>,
    /// [`Budget::daily`].
    pub daily: Option<Option<NanoUsd>>,
    /// [`Budget::per_user_monthly`].
    pub per_user_monthly: Option<Option<NanoUsd>>,
    /// [`Budget::per_user_daily`].
    pub per_user_daily: Option<Option<NanoUsd>>,
}

impl BudgetChange {
    /// The budget after the change.
    #[must_use]
    pub fn of(self, budget: Budget) -> Budget {
        Budget {
            monthly: self.monthly.unwrap_or(budget.monthly),
            daily: self.daily.unwrap_or(budget.daily),
            per_user_monthly: self.per_user_monthly.unwrap_or(budget.per_user_monthly),
            per_user_daily: self.per_user_daily.unwrap_or(budget.per_user_daily),
        }
    }
}

/// What an organisation has limited itself to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnBudget {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The limits.
    pub budget: Budget,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
    /// Its version.
    pub revision: Revision,
}

/// A stretch of time that money is counted in, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A day.
    Day(NaiveDate),
    /// The month of this day.
    Month(NaiveDate),
}

/// The name that is stored: `2026-11-22`, `2026-11`.
impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(formatter, "{}", day.format("%Y-%m-%d")),
            Self::Month(day) => write!(formatter, "{}", day.format("%Y-%m")),
        }
    }
}

/// A sum that money is counted in. Whoever changes several does so in their order, so that nobody waits for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Whose it is: a member's, or the organisation's if none is named.
    pub user_id: Option<UserId>,
    /// When.
    pub period: Period,
}

impl Account {
    /// The sums that a reading of this member counts in when it is asked for on this day, in their order.
    #[must_use]
    pub fn of(user_id: UserId, day: NaiveDate) -> [Self; 4] {
        let [of_day, of_month] = [Period::Day(day), Period::Month(day.with_day(1).unwrap_or(day))];
        [
            Self { user_id: None, period: of_day },
            Self { user_id: None, period: of_month },
            Self { user_id: Some(user_id), period: of_day },
            Self { user_id: Some(user_id), period: of_month },
        ]
    }

    /// The limit that a budget sets it.
    #[must_use]
    pub fn limit(&self, budget: &Budget) -> Option<NanoUsd> {
        match (self.user_id, self.period) {
            (None, Period::Day(_)) => budget.daily,
            (None, Period::Month(_)) => budget.monthly,
            (Some(_), Period::Day(_)) => budget.per_user_daily,
            (Some(_), Period::Month(_)) => budget.per_user_monthly,
        }
    }
}

/// What an account stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// What has been paid.
    pub settled: NanoUsd,
    /// What may still be needed for readings under way.
    pub reserved: NanoUsd,
}

/// Money that is put aside for a reading before anybody is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// For which reading.
    pub reading_id: ReadingId,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Who asked.
    pub user_id: UserId,
    /// Who was asked.
    pub advisor: AdvisorId,
    /// How much: the most that the answer can cost.
    pub amount: NanoUsd,
    /// On which day, in UTC: what it costs in the end counts there too.
    pub day: NaiveDate,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What a reading cost in the end, in place of what was put aside. There is one for each reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Of which reading.
    pub reading_id: ReadingId,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Who answered; none if nobody was asked.
    pub route: Option<Route>,
    /// Since when the price that was used held.
    pub price_from: Option<NaiveDate>,
    /// What it cost.
    pub bill: Bill,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Reservation {
    /// Puts `amount` aside for a reading.
    #[must_use]
    pub fn of(reading: &Reading, amount: NanoUsd) -> Self {
        Self {
            reading_id: reading.id,
            organization_id: reading.organization_id,
            user_id: reading.user_id,
            advisor: reading.advisor.clone(),
            amount,
            day: reading.created_at.date_naive(),
            created_at: reading.created_at,
        }
    }
}

/// What was spent on one day with one advisor and model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageItem {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// Who was asked.
    pub advisor: AdvisorId,
    /// Who answered; none for readings that nobody did.
    pub route: Option<Route>,
    /// How many readings.
    pub readings: u64,
    /// Tokens that models were given.
    pub prompt_tokens: u64,
    /// Tokens that they wrote.
    pub completion_tokens: u64,
    /// What that cost.
    pub cost: NanoUsd,
}

/// A sum that is not what the ledger's rows come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which sum.
    pub account: String,
    /// What it says.
    pub counted: Spent,
    /// What the rows come to.
    pub booked: Spent,
}

impl Settlement {
    /// Books what a reading that is over cost, by prices that hold since a day.
    #[must_use]
    pub fn of(reading: &Reading, bill: Bill, price_from: Option<NaiveDate>) -> Self {
        Self {
            reading_id: reading.id,
            organization_id: reading.organization_id,
            route: reading.route.clone(),
            price_from,
            bill,
            created_at: reading.completed_at.unwrap_or(reading.created_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use tenantry_kernel::{IdGenerator as _, SystemIds};

    use super::*;

    fn usd(text: &str) -> NanoUsd {
        text.parse().unwrap()
    }

    #[test]
    fn accounts_of_a_reading_are_a_day_and_a_month_for_both() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let user_id = UserId::from_uuid(SystemIds.next_id());
        let accounts = Account::of(user_id, day);
        let names: Vec<_> = accounts.iter().map(|account| account.period.to_string()).collect();
        assert_eq!(names, ["2026-11-22", "2026-11", "2026-11-22", "2026-11"]);
        assert!(accounts.is_sorted());
        let budget = Budget {
            monthly: Some(usd("4")),
            daily: Some(usd("3")),
            per_user_monthly: Some(usd("2")),
            per_user_daily: Some(usd("1")),
        };
        let limits = accounts.map(|account| account.limit(&budget).unwrap().to_string());
        assert_eq!(limits, ["3", "4", "1", "2"]);
    }

    #[test]
    fn the_tighter_limit_holds() {
        let ours =
            Budget { monthly: Some(usd("10")), daily: None, per_user_monthly: Some(usd("1")), per_user_daily: None };
        let theirs = Budget {
            monthly: Some(usd("5")),
            daily: Some(usd("2")),
            per_user_monthly: Some(usd("3")),
            per_user_daily: None,
        };
        let both = Budget {
            monthly: Some(usd("5")),
            daily: Some(usd("2")),
            per_user_monthly: Some(usd("1")),
            per_user_daily: None,
        };
        assert_eq!(ours.within(theirs), both);
    }
}
