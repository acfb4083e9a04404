//! Supervisors: they come into the room unheard, and are heard there by whom they want, but never hold the customer.

use uuid::Uuid;

use super::Taking;
use crate::calls::flow::event::{Command, Event, Refusal, SuperviseRequest};
use crate::calls::flow::state::{Leg, LegStatus, Place, Role, Stage};

impl Taking<'_> {
    /// Whoever supervises already does something else from now on. From the bridge, where nobody can listen in, both go to
    /// the room first.
    pub(super) fn supervise(&mut self) -> Result<(), Refusal> {
        let Event::SuperviseRequested(request) = self.event else { return Ok(()) };
        if let Some(leg_id) = self.call.supervisor(request.agent).map(|leg| leg.id) {
            if let Some(leg) = self.call.leg_mut(leg_id) {
                leg.monitor = Some(request.monitor);
            }
            return Ok(());
        }
        if self.call.legs.iter().any(|leg| leg.address == request.to && !leg.is_over()) {
            return Err(Refusal::OnLine);
        }
        self.call.legs.push(planned(request));
        if self.call.stage == Stage::Connected {
            self.send(self.call.customer().map(|leg| leg.id), Place::Room);
            self.call.enter(Stage::InRoom);
        }
        Ok(())
    }

    pub(super) fn dismiss_supervisor(&mut self) -> Result<(), Refusal> {
        let Event::SuperviseEndRequested { agent } = *self.event else { return Ok(()) };
        let leg_id = self.call.supervisor(agent).ok_or(Refusal::NotOnLine)?.id;
        self.never_ring(leg_id);
        self.end_leg(leg_id);
        Ok(())
    }

    /// A supervisor is rung once two people are in the room: one who came first would take from the other the music that
    /// says that somebody is coming. When the call is ending, supervisors leave.
    pub fn keep_supervisors(&mut self) {
        let is_over = matches!(self.call.stage, Stage::Ending | Stage::Ended);
        let is_open = |leg: &&Leg| leg.role == Role::Supervisor && !leg.end_wanted;
        let supervisors: Vec<Uuid> = self.call.legs.iter().filter(is_open).map(|leg| leg.id).collect();
        let are_two_here = self.call.legs.iter().filter(|leg| leg.in_room && leg.is_talking()).count() > 1;
        for leg_id in supervisors {
            let Some(leg) = self.call.leg_mut(leg_id) else { continue };
            if is_over {
                leg.end_wanted = true;
            } else if leg.status == LegStatus::Unplaced && are_two_here {
                leg.status = LegStatus::Creating;
                self.commands.push(Command::CreateParticipant { leg_id });
            }
        }
    }
}

fn planned(request: &SuperviseRequest) -> Leg {
    let name = request.name.clone();
    let mut leg = Leg::planned(request.leg_id, Role::Supervisor, request.to.clone(), name)
        .of_agent(Some(request.agent));
    leg.monitor = Some(request.monitor);
    leg
}
