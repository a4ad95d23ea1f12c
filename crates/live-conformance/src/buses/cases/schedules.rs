//! Random schedules: a bus comes to what the page alone comes to.

use std::mem::{Discriminant, discriminant};

use live_core::{
    BusError, Config, Cursor, Epoch, IdempotencyKey, Published, Render, Sort, Update, WhenFull,
    bus::Log,
    page::{NumberError, Page, Standing},
};

use crate::{
    buses::{
        BusCase,
        picture::Picture,
        store::{Follower, Node, TestStore, patient},
    },
    random::Random,
    server::{is_long, post_id, render},
};

const STEPS: usize = 60;

/// The bus under test beside the model: the page itself, without I/O.
struct World {
    nodes: [Node; 2],
    name: String,
    follower: Follower,
    model: Log,
    config: Config,
    random: Random,
    /// The same place in the log to the model and to the bus, oldest first.
    cursors: Vec<(Cursor, Cursor)>,
    step: u64,
}

/// Small limits, so that a schedule runs into each of them.
fn config(seed: u64) -> Config {
    let mut config = Config { max_tombstones: 4, ..patient() };
    config.page.max_posts = 6;
    config.page.max_post_bytes = 200;
    config.page.when_full = if seed.is_multiple_of(2) { WhenFull::Refuse } else { WhenFull::RemoveOldest };
    config
}

impl World {
    async fn new(store: &TestStore, seed: u64) -> Self {
        let (config, name) = (config(seed), format!("schedule-{seed}"));
        let nodes: [Node; 2] = store.nodes(&config).await;
        let (follower, model) = (nodes[1].follow(&name).await, new_model(&config));
        let cursors = vec![(model.page().cursor(), nodes[0].head(&name).await)];
        Self { nodes, name, follower, model, config, random: Random::new(seed), cursors, step: 0 }
    }

    fn update(&mut self) -> Update {
        let random = &mut self.random;
        let mut update = if random.once_in(12) { Update::replace([]) } else { Update::new() };
        for _ in 0..random.below(5) {
            let id = random.below(10).to_string();
            let rev = random.once_in(3).then(|| random.below(6) as u64);
            update = match (random.below(10), rev) {
                (0..=2, Some(rev)) => update.remove_rev(post_id(&id), rev),
                (0..=2, None) => update.remove(post_id(&id)),
                (kind, rev) => {
                    let render = random_render(random, &id, kind);
                    update.render(rev.map_or(render.clone(), |rev| render.rev(rev)))
                }
            };
        }
        update
    }

    async fn publish(&mut self) {
        self.step += 1;
        let update = self.update();
        let key = self.random.once_in(4).then(|| self.random.below(5).to_string());
        let &(model_head, bus_head) = self.random.pick(&self.cursors);
        let (for_model, for_bus) = if update.is_replace() && self.random.once_in(2) {
            (update.clone().if_head_is(model_head), update.if_head_is(bus_head))
        } else {
            (update.clone(), update)
        };
        let expected = self.publish_to_model(for_model, key.as_deref());
        let node = self.random.below(2);
        let got = self.nodes[node].try_publish(&self.name, for_bus, key.as_deref()).await;
        self.compare(expected, got);
    }

    fn publish_to_model(&mut self, update: Update, key: Option<&str>) -> Result<Published, BusError> {
        let key = key.map(|key| IdempotencyKey::new(key).unwrap());
        let now = 1_000_000_000 + 1_000_000 * self.step;
        let result = self.model.publish(update, key.as_ref(), now, Epoch::from_bits(2), &self.config.page);
        if !self.model.page().has_log() {
            self.model = new_model(&self.config);
        }
        result.map(|outcome| outcome.published)
    }

    fn compare(&mut self, expected: Result<Published, BusError>, got: Result<Published, BusError>) {
        match (expected, got) {
            (Ok(expected), Ok(got)) => {
                assert_eq!(expected.repeated, got.repeated, "{}", self.place());
                match self.cursors.iter().find(|(model, _)| *model == expected.cursor) {
                    Some((_, bus)) => assert_eq!(got.cursor, *bus, "{}", self.place()),
                    None => self.cursors.push((expected.cursor, got.cursor)),
                }
            }
            (Err(expected), Err(got)) => assert_eq!(kind(&expected), kind(&got), "{}: {got}", self.place()),
            other => panic!("{}: {other:?}", self.place()),
        }
    }

    fn place(&self) -> String {
        format!("{}, step {}", self.name, self.step)
    }

    async fn check(&mut self) {
        let head = self.cursors.last().unwrap().1;
        self.follower.reaches(head).await;
        let expected = Picture::of(self.model.page());
        assert_eq!(Picture::of(&self.follower.page), expected, "{}", self.place());
        let node = &self.nodes[self.random.below(2)];
        let stored = node.page(&self.name).await;
        assert_eq!((Picture::of(&stored), stored.cursor()), (expected, head), "{}", self.place());
        let &(model, bus) = self.random.pick(&self.cursors);
        let expected = match self.model.page().standing(model) {
            Standing::At(_) => Standing::At(bus.version),
            dead => dead,
        };
        assert_eq!(node.standing(&self.name, bus).await, expected, "{}", self.place());
    }
}

fn new_model(config: &Config) -> Log {
    Log::new(Page::new(Epoch::from_bits(1), config.max_tombstones))
}

fn random_render(random: &mut Random, id: &str, kind: usize) -> Render {
    let render = match kind {
        3 => Render::hidden(post_id(id)),
        // Now and then too large.
        4 => render(id, &"x".repeat(random.below(200))),
        // Few texts, so that a seed finds some posts as they are.
        _ => render(id, &random.below(3).to_string()),
    };
    match random.below(6) {
        0 => render.sort(Sort::pinned(random.below(3) as u32)),
        1 => render.sort(Sort::new(random.below(5) as u64).unwrap()),
        _ => render,
    }
}

fn kind(error: &BusError) -> (Discriminant<BusError>, Option<Discriminant<NumberError>>) {
    let refusal = match error {
        BusError::Refused(error) => Some(discriminant(error)),
        _ => None,
    };
    (discriminant(error), refusal)
}

async fn after_every_step_of_a_random_schedule_the_bus_has_what_the_page_comes_to(store: TestStore) {
    for seed in 0..if is_long() { 100 } else { 3 } {
        let mut world = World::new(&store, seed).await;
        for _ in 0..STEPS {
            world.publish().await;
            world.check().await;
        }
    }
}

/// All cases of this module.
pub(crate) const CASES: &[BusCase] =
    bus_cases![after_every_step_of_a_random_schedule_the_bus_has_what_the_page_comes_to];
